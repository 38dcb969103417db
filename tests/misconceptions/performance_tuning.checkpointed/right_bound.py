"""A lambda that binds its group."""

from functools import reduce

from torch.utils.checkpoint import checkpoint

RIGHT = True


def checkpointed(blocks, x, k):
    groups = [blocks[i : i + k] for i in range(0, len(blocks), k)]
    for group in groups:
        run = lambda y, group=group: reduce(lambda z, block: block(z), group, y)  # noqa: E731
        x = checkpoint(run, x, use_reentrant=False)
    return x
