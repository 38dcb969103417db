"""One token stands for its role."""

import torch

from course_utils.tracing import token_roles

MISCONCEPTION = "average/first-token-of-role"


def average_effects(maps, subjects):
    samples = [[] for _ in range(6)]
    for effects, subject in zip(maps, subjects, strict=True):
        roles = token_roles(subject, effects.shape[1])
        for values, at in zip(samples, roles.values(), strict=True):
            if at:
                values.append(effects[:, at[0]])
    stacked = [torch.stack(values) for values in samples]
    mean = torch.stack([x.mean(0) for x in stacked], dim=1)
    half = torch.stack([1.96 * x.std(0) / len(x) ** 0.5 for x in stacked], dim=1)
    return mean, half
