"""length // block_size + 1."""

MISCONCEPTION = "blocks/one-too-many"


def cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1):
    tokens = 0
    for length in lengths:
        blocks = length // block_size + (block_size > 1)
        tokens += blocks * block_size
    return 2 * n_layers * n_kv_heads * d_head * bytes_per_value * tokens
