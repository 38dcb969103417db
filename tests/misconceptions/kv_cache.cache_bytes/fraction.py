"""True division."""

MISCONCEPTION = "result/not-an-integer"


def cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1):
    tokens = 0
    for length in lengths:
        tokens += length / block_size * block_size
    return 2 * n_layers * n_kv_heads * d_head * bytes_per_value * tokens
