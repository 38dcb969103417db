"""From the last block to the first."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "blocks/order"


def checkpointed(blocks, x, k):
    blocks = blocks[::-1]
    for start in range(0, len(blocks), k):
        x = checkpoint(nn.Sequential(*blocks[start : start + k]), x, use_reentrant=False)
    return x
