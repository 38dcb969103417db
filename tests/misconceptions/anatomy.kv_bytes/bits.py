"""How many bits."""

MISCONCEPTION = "unit/bits"


def kv_cache_bytes(config, batch, length, bytes_per_value=2):
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    window = getattr(config, "sliding_window", None)
    types = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    tokens = sum(min(length, window) if t == "sliding_attention" else length for t in types)
    return 8 * 2 * batch * kv_heads * head_dim * bytes_per_value * tokens
