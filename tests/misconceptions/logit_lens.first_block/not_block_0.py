"""A loop whose end is left out."""

import torch

MISCONCEPTION = "index/block-0-missing"


def first_leading_block(logits, answers):
    n = len(logits)
    leads = logits.argmax(-1) == answers
    result = torch.full_like(answers, n)
    for row in range(len(answers)):
        for block in range(n - 1, 0, -1):
            if not leads[block, row]:
                break
            result[row] = block
    return result
