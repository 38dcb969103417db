"""Shapes are made, and their bytes counted."""

import torch

RIGHT = True


def cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1):
    total = 0
    for length in lengths:
        padded = length + (-length) % block_size
        keys = torch.empty(n_layers, n_kv_heads, padded, d_head, device="meta")
        total += 2 * keys.numel() * bytes_per_value
    return total
