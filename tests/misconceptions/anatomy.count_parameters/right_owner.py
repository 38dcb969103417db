"""The class of the module that owns each parameter."""

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
    for name, parameter in model.named_parameters():
        counts[part(model, name)] += parameter.numel()
    return counts
