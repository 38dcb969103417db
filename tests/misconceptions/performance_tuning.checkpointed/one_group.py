"""The whole chain at once."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "kept/too-long"


def checkpointed(blocks, x, k):
    return checkpoint(nn.Sequential(*blocks), x, use_reentrant=False)
