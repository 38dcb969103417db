"""The smaller group comes first."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "kept/elsewhere"


def checkpointed(blocks, x, k):
    ends = range(len(blocks) % k or k, len(blocks) + 1, k)
    for end in ends:
        part = blocks[max(0, end - k) : end]
        x = checkpoint(nn.Sequential(*part), x, use_reentrant=False)
    return x
