"""One layer."""

import math

MISCONCEPTION = "bytes/no-layers"


def cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1):
    tokens = 0
    for length in lengths:
        blocks = math.ceil(length / block_size)
        tokens += blocks * block_size
    return 2 * n_kv_heads * d_head * bytes_per_value * tokens
