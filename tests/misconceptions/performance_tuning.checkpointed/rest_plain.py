"""Whole groups alone are recomputed; the blocks that are left over run as ever."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "kept/some"


def checkpointed(blocks, x, k):
    whole = len(blocks) // k * k
    for start in range(0, whole, k):
        x = checkpoint(nn.Sequential(*blocks[start : start + k]), x, use_reentrant=False)
    for block in blocks[whole:]:
        x = block(x)
    return x
