"""An array of lengths."""

import numpy as np

RIGHT = True


def cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1):
    lengths = np.array(lengths, dtype=int)
    tokens = int(((lengths + block_size - 1) // block_size).sum()) * block_size
    return 2 * n_layers * tokens * n_kv_heads * d_head * bytes_per_value
