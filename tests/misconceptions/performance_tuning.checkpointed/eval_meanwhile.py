"""Dropout off while the blocks run."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "blocks/no-dropout"


def checkpointed(blocks, x, k):
    for block in blocks:
        block.eval()
    for start in range(0, len(blocks), k):
        x = checkpoint(nn.Sequential(*blocks[start : start + k]), x, use_reentrant=False)
    for block in blocks:
        block.train()
    return x
