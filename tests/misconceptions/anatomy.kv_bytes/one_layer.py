"""The layers share."""

MISCONCEPTION = "formula/one-layer"


def kv_cache_bytes(config, batch, length, bytes_per_value=2):
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    tokens = length
    if getattr(config, "layer_types", None):
        tokens = sum(
            min(length, config.sliding_window) if t == "sliding_attention" else length
            for t in config.layer_types
        ) / len(config.layer_types)
    return 2 * batch * kv_heads * head_dim * bytes_per_value * tokens
