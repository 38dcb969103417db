"""Gemma 3: every sixth layer is global."""

MISCONCEPTION = "local/pattern-guessed"


def kv_cache_bytes(config, batch, length, bytes_per_value=2):
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads

    window = getattr(config, "sliding_window", None)
    tokens = sum(
        min(length, window) if window and (i + 1) % 6 else length
        for i in range(config.num_hidden_layers)
    )
    return 2 * batch * kv_heads * head_dim * bytes_per_value * tokens
