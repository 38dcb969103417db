"""k groups instead of groups of k."""

from torch.utils.checkpoint import checkpoint_sequential

MISCONCEPTION = "kept/too-long"


def checkpointed(blocks, x, k):
    return checkpoint_sequential(list(blocks), min(k, len(blocks)), x, use_reentrant=False)
