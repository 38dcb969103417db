"""A key is as wide as the residual stream."""

MISCONCEPTION = "heads/query-heads"


def kv_cache_bytes(config, batch, length, bytes_per_value=2):
    window = getattr(config, "sliding_window", None)
    types = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    tokens = sum(min(length, window) if t == "sliding_attention" else length for t in types)
    return 2 * batch * config.hidden_size * bytes_per_value * tokens
