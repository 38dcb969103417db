"""k groups instead of groups of k."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "kept/too-long"


def checkpointed(blocks, x, k):
    size = -(-len(blocks) // k)
    for start in range(0, len(blocks), size):
        part = nn.Sequential(*blocks[start : start + size])
        x = checkpoint(part, x, use_reentrant=False)
    return x
