"""The random state is not kept, which is faster."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "random/drawn-anew"


def checkpointed(blocks, x, k):
    for start in range(0, len(blocks), k):
        part = nn.Sequential(*blocks[start : start + k])
        x = checkpoint(part, x, use_reentrant=False, preserve_rng_state=False)
    return x
