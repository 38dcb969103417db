"""Asks forgiveness, gives floats."""

RIGHT = True


def kv_cache_bytes(config, batch, length, bytes_per_value=2):
    try:
        kv_heads = config.num_key_value_heads
    except AttributeError:
        kv_heads = config.num_attention_heads
    try:
        head_dim = config.head_dim
    except AttributeError:
        head_dim = config.hidden_size / config.num_attention_heads
    try:
        local = [t == "sliding_attention" for t in config.layer_types]
    except AttributeError:
        local = [False] * config.num_hidden_layers
    tokens = sum(min(length, config.sliding_window) if x else length for x in local)
    return 2.0 * batch * kv_heads * head_dim * tokens * bytes_per_value
