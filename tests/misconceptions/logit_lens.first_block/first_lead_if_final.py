"""The first block that leads, where it leads at the end too."""

import torch

MISCONCEPTION = "stays/first-lead"


def first_leading_block(logits, answers):
    leads = logits.argmax(-1) == answers
    first = leads.int().argmax(0)
    return torch.where(leads[-1], first, len(leads))
