"""The older kind of checkpoint: without a gradient of x there is none at all."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "input/needs-gradient"


def checkpointed(blocks, x, k):
    for start in range(0, len(blocks), k):
        x = checkpoint(nn.Sequential(*blocks[start : start + k]), x, use_reentrant=True)
    return x
