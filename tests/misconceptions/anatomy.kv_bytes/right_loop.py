"""Layer by layer."""

RIGHT = True


def kv_cache_bytes(config, batch, length, bytes_per_value=2):
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    total = 0
    for layer in range(config.num_hidden_layers):
        kept = length
        types = getattr(config, "layer_types", None)
        if types and types[layer] == "sliding_attention":
            kept = min(length, config.sliding_window)
        for _ in ("keys", "values"):
            total += batch * kv_heads * kept * head_dim * bytes_per_value
    return total
