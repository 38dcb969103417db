"""Groups, and in a group each block once more."""

from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "runs/too-often"


def checkpointed(blocks, x, k):
    def run(y, part):
        for block in part:
            y = checkpoint(block, y, use_reentrant=False)
        return y

    for start in range(0, len(blocks), k):
        x = checkpoint(run, x, blocks[start : start + k], use_reentrant=False)
    return x
