"""Dropout off, so that both runs give the same."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "blocks/mode-changed"


def checkpointed(blocks, x, k):
    for start in range(0, len(blocks), k):
        part = nn.Sequential(*blocks[start : start + k]).eval()
        x = checkpoint(part, x, use_reentrant=False)
    return x
