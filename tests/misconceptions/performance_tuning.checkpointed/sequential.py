"""checkpoint_sequential: k groups, of which the last is not run again."""

from torch.utils.checkpoint import checkpoint_sequential

MISCONCEPTION = "kept/some"


def checkpointed(blocks, x, k):
    return checkpoint_sequential(list(blocks), min(k, len(blocks)), x, use_reentrant=False)
