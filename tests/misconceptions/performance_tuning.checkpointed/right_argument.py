"""The blocks of a group as an argument."""

from torch.utils.checkpoint import checkpoint

RIGHT = True


def run(x, *part):
    for block in part:
        x = block(x)
    return x


def checkpointed(blocks, x, k):
    blocks = list(blocks)
    while blocks:
        part, blocks = blocks[:k], blocks[k:]
        x = checkpoint(run, x, *part, use_reentrant=False)
    return x
