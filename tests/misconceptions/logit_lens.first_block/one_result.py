"""Looks at the first prompt only."""

import torch

MISCONCEPTION = "batch/first-row"


def first_leading_block(logits, answers):
    block = len(logits)
    while block > 0 and logits[block - 1, 0].argmax() == answers[0]:
        block -= 1
    return torch.full_like(answers, block)
