"""The library's checkpoint."""

from torch import nn
from torch.utils.checkpoint import checkpoint

RIGHT = True


def checkpointed(blocks, x, k):
    for start in range(0, len(blocks), k):
        x = checkpoint(nn.Sequential(*blocks[start : start + k]), x, use_reentrant=False)
    return x
