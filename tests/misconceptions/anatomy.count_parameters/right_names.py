"""By names alone, with the exceptions that models have."""

from collections import Counter

RIGHT = True


def part(name):
    if "norm" in name or ".ln_" in name:
        return "norm"
    if "lm_head" in name or "embed_out" in name:
        return "unembedding"
    if "attn" in name or "attention" in name:
        return "attention"
    if "embed" in name or ".wte" in name or ".wpe" in name:
        return "embedding"
    return "ffn"


def count_parameters(model):
    counts = Counter(embedding=0, attention=0, ffn=0, norm=0, unembedding=0)
    for name, parameter in model.named_parameters():
        counts[part(name)] += parameter.numel()
    return counts
