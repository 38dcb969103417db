"""Sums, and the variance by its other formula."""

import torch

from course_utils.tracing import token_roles

RIGHT = True


def average_effects(maps, subjects):
    blocks = len(maps[0])
    total, squares = torch.zeros(blocks, 6).double(), torch.zeros(blocks, 6).double()
    count = torch.zeros(6)
    for effects, subject in zip(maps, subjects, strict=True):
        for role, at in enumerate(token_roles(subject, effects.shape[1]).values()):
            if at:
                value = effects[:, at].mean(1)
                total[:, role] += value
                squares[:, role] += value**2
                count[role] += 1
    mean = total / count
    variance = (squares - count * mean**2) / (count - 1)
    return mean, 1.96 * (variance / count).sqrt()
