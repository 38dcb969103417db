"""Every embedding has "embed" in its path."""

MISCONCEPTION = "embedding/other-names"


def count_parameters(model):
    counts = {"embedding": 0, "attention": 0, "ffn": 0, "norm": 0, "unembedding": 0}
    for path, parameter in model.named_parameters():
        owner = model.get_submodule(path.rpartition(".")[0])
        if "embed" in path:
            part = "embedding"
        elif owner is model.get_output_embeddings():
            part = "unembedding"
        elif "norm" in type(owner).__name__.lower():
            part = "norm"
        elif "attn" in path or "attention" in path:
            part = "attention"
        else:
            part = "ffn"
        counts[part] += parameter.numel()
    return counts
