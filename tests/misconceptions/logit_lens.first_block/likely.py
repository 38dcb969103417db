"""A probability above a half."""

import torch

MISCONCEPTION = "leads/positive"


def first_leading_block(logits, answers):
    batch = torch.arange(len(answers))
    likely = logits.softmax(-1)[:, batch, answers] > 0.5
    return len(logits) - likely.flip(0).cumprod(0).sum(0)
