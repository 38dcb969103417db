"""From the configuration as a dict."""

RIGHT = True


def kv_cache_bytes(config, batch, length, bytes_per_value=2):
    sizes = config.to_dict()
    heads = config.num_attention_heads
    kv_heads = sizes.get("num_key_value_heads") or heads
    head_dim = sizes.get("head_dim") or config.hidden_size // heads
    layers = config.num_hidden_layers
    local = (sizes.get("layer_types") or []).count("sliding_attention")
    short = min(length, sizes.get("sliding_window") or length)
    per_token = 2 * kv_heads * head_dim * bytes_per_value
    return batch * per_token * ((layers - local) * length + local * short)
