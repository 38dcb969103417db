"""Without a graph nothing is kept."""

import torch

MISCONCEPTION = "gradients/none"


def checkpointed(blocks, x, k):
    with torch.no_grad():
        for block in blocks:
            x = block(x)
    return x
