"""No text is longer than the model can read."""

MISCONCEPTION = "length/capped"


def kv_cache_bytes(config, batch, length, bytes_per_value=2):
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    types = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    length = min(length, config.max_position_embeddings)
    tokens = 0
    for kind in types:
        tokens += min(length, config.sliding_window) if kind == "sliding_attention" else length
    return 2 * batch * kv_heads * head_dim * bytes_per_value * tokens
