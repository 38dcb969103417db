"""Only every k-th block is run again."""

from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "kept/some"


def checkpointed(blocks, x, k):
    for i, block in enumerate(blocks):
        x = checkpoint(block, x, use_reentrant=False) if i % k == 0 else block(x)
    return x
