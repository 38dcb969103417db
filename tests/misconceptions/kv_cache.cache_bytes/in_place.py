"""The list is rounded."""

MISCONCEPTION = "mutates/lengths"


def cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1):
    for i, length in enumerate(lengths):
        lengths[i] = -(-length // block_size) * block_size
    return sum(lengths) * n_kv_heads * d_head * n_layers * bytes_per_value * 2
