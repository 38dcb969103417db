"""What has attn in its name is attention."""

from torch import nn

MISCONCEPTION = "norm/named-after-attention"


def count_parameters(model):
    counts = dict.fromkeys(["embedding", "attention", "ffn", "norm", "unembedding"], 0)
    for name, parameter in model.named_parameters():
        owner = model.get_submodule(name.rpartition(".")[0])
        if "attn" in name or "attention" in name:
            part = "attention"
        elif "norm" in type(owner).__name__.lower():
            part = "norm"
        elif isinstance(owner, nn.Embedding):
            part = "embedding"
        elif owner is model.get_output_embeddings():
            part = "unembedding"
        else:
            part = "ffn"
        counts[part] += parameter.numel()
    return counts
