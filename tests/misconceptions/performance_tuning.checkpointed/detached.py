"""Between groups the graph is cut."""

from torch import nn
from torch.utils.checkpoint import checkpoint

MISCONCEPTION = "gradients/cut"


def checkpointed(blocks, x, k):
    for start in range(0, len(blocks), k):
        part = nn.Sequential(*blocks[start : start + k])
        x = checkpoint(part, x, use_reentrant=False)
        if start + k < len(blocks):
            x = x.detach().requires_grad_()
    return x
