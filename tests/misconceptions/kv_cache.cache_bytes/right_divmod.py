"""divmod."""

RIGHT = True


def cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1):
    per_block = 2 * n_layers * n_kv_heads * block_size * d_head * bytes_per_value
    total = 0
    for length in lengths:
        full, rest = divmod(length, block_size)
        total += per_block * (full + (1 if rest else 0))
    return total
