"""Every block on its own, whatever k is."""

from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "kept/every-block"


def checkpointed(blocks, x, k):
    for block in blocks:
        x = checkpoint(block, x, use_reentrant=False)
    return x
