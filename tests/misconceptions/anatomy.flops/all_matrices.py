"""Every matrix is multiplied."""

MISCONCEPTION = "matrices/lookup-counted"


def flops_per_token(model, length):
    config = model.config
    products = 2 * sum(p.numel() for p in model.parameters() if p.dim() == 2)

    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    window = getattr(config, "sliding_window", None)
    types = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    keys = sum(min(length, window) if t == "sliding_attention" else length for t in types)
    return products + 4 * heads * head_dim * keys
