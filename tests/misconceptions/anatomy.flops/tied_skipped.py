"""Embeddings are lookups; what is tied is an embedding."""

MISCONCEPTION = "matrices/unembedding-forgotten"


def flops_per_token(model, length):
    config = model.config
    tables = ("embed_tokens.weight", "wte.weight", "wpe.weight")
    products = 2 * sum(
        p.numel() for n, p in model.named_parameters() if p.dim() == 2 and not n.endswith(tables)
    )

    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    window = getattr(config, "sliding_window", None)
    types = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    keys = sum(min(length, window) if t == "sliding_attention" else length for t in types)
    return products + 4 * heads * head_dim * keys
