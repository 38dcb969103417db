"""All tokens in one row of blocks."""

import math

MISCONCEPTION = "blocks/rounded-together"


def cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1):
    tokens = math.ceil(sum(lengths) / block_size) * block_size
    return 2 * n_layers * n_kv_heads * d_head * bytes_per_value * tokens
