"""Nothing is asked about the unembedding."""

from torch import nn

MISCONCEPTION = "unembedding/elsewhere"


def count_parameters(model):
    counts = {"embedding": 0, "attention": 0, "ffn": 0, "norm": 0, "unembedding": 0}
    for path, parameter in model.named_parameters():
        owner = model.get_submodule(path.rpartition(".")[0])
        if isinstance(owner, nn.Embedding):
            part = "embedding"
        elif "norm" in type(owner).__name__.lower():
            part = "norm"
        elif "attn" in path or "attention" in path:
            part = "attention"
        else:
            part = "ffn"
        counts[part] += parameter.numel()
    return counts
