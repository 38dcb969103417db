"""The course's roles, a list for each."""

import torch

from course_utils.tracing import ROLES, token_roles

RIGHT = True


def average_effects(maps, subjects):
    samples = {role: [] for role in ROLES}
    for effects, subject in zip(maps, subjects, strict=True):
        for role, at in token_roles(subject, effects.shape[1]).items():
            if at:
                samples[role].append(effects[:, at].mean(1))
    stacked = [torch.stack(samples[role]) for role in ROLES]
    mean = torch.stack([x.mean(0) for x in stacked], dim=1)
    half = torch.stack([1.96 * x.std(0) / len(x) ** 0.5 for x in stacked], dim=1)
    return mean, half
