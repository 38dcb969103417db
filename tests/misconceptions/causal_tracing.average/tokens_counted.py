"""n is the number of tokens."""

import torch

from course_utils.tracing import token_roles

MISCONCEPTION = "interval/tokens-counted"


def average_effects(maps, subjects):
    samples, sizes = [[] for _ in range(6)], [0] * 6
    for effects, subject in zip(maps, subjects, strict=True):
        roles = token_roles(subject, effects.shape[1])
        for role, (values, at) in enumerate(zip(samples, roles.values(), strict=True)):
            sizes[role] += len(at)
            if at:
                values.append(effects[:, at].mean(1))
    stacked = [torch.stack(values) for values in samples]
    mean = torch.stack([x.mean(0) for x in stacked], dim=1)
    errors = [x.std(0) / n**0.5 for x, n in zip(stacked, sizes, strict=True)]
    half = 1.96 * torch.stack(errors, dim=1)
    return mean, half
