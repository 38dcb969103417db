"""Every group works on copies of the blocks."""

import copy

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "gradients/parameters-cut"


def checkpointed(blocks, x, k):
    for start in range(0, len(blocks), k):
        part = nn.Sequential(*(copy.deepcopy(block) for block in blocks[start : start + k]))
        x = checkpoint(part, x, use_reentrant=False)
    return x
