"""A function in the loop reads the loop's variable, later."""

from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "recompute/late-binding"


def checkpointed(blocks, x, k):
    for start in range(0, len(blocks), k):

        def run(y):
            for block in blocks[start : start + k]:  # noqa: B023
                y = block(y)
            return y

        x = checkpoint(run, x, use_reentrant=False)
    return x
