"""Plus or minus a standard error."""

import torch

from course_utils.tracing import token_roles

MISCONCEPTION = "interval/one-standard-error"


def average_effects(maps, subjects):
    samples = [[] for _ in range(6)]
    for effects, subject in zip(maps, subjects, strict=True):
        roles = token_roles(subject, effects.shape[1])
        for values, at in zip(samples, roles.values(), strict=True):
            if at:
                values.append(effects[:, at].mean(1))
    stacked = [torch.stack(values) for values in samples]
    mean = torch.stack([x.mean(0) for x in stacked], dim=1)
    half = torch.stack([x.std(0) / len(x) ** 0.5 for x in stacked], dim=1)
    return mean, half
