"""Takes the blocks out of the list that was given."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "blocks/list-changed"


def checkpointed(blocks, x, k):
    while blocks:
        part = [blocks.pop(0) for _ in range(min(k, len(blocks)))]
        x = checkpoint(nn.Sequential(*part), x, use_reentrant=False)
    return x
