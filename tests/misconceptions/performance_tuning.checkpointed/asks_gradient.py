"""The reentrant kind needs an input with a gradient: so it gets one."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "input/changed"


def checkpointed(blocks, x, k):
    x.requires_grad_()
    for start in range(0, len(blocks), k):
        x = checkpoint(nn.Sequential(*blocks[start : start + k]), x, use_reentrant=True)
    return x
