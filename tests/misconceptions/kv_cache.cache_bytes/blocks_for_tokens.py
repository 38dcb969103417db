"""The number of blocks."""

MISCONCEPTION = "blocks/counted-as-tokens"


def cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1):
    blocks = sum(-(-length // block_size) for length in lengths)
    return blocks * n_kv_heads * d_head * n_layers * bytes_per_value * 2
