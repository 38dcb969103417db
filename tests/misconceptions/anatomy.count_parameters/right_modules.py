"""Module by module, with a set of the tensors that were seen."""

from torch import nn

RIGHT = True


def part(model, name):
    owner = model.get_submodule(name.rpartition(".")[0])
    if isinstance(owner, nn.Embedding):
        return "embedding"
    if owner is model.get_output_embeddings():
        return "unembedding"
    if "norm" in type(owner).__name__.lower():
        return "norm"
    if "attn" in name or "attention" in name:
        return "attention"
    return "ffn"


def count_parameters(model):
    counts = dict.fromkeys(["embedding", "attention", "ffn", "norm", "unembedding"], 0)
    seen = set()
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                counts[part(model, f"{path}.{name}")] += parameter.numel()
    return counts
