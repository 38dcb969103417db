"""The middle is the subject."""

import torch

MISCONCEPTION = "roles/middle-holds-all"


def average_effects(maps, subjects):
    rows = []
    for effects, subject in zip(maps, subjects, strict=True):
        n = effects.shape[1]
        inside = list(range(subject.start, subject.stop))
        after = list(range(subject.stop, n - 1))
        roles = [inside[:-1][:1], inside, inside[-1:], after[:1], after[1:], [n - 1]]
        roles[:3] = [[at for at in role if at < n - 1] for role in roles[:3]]
        rows.append(torch.stack([effects[:, at].mean(1) for at in roles], dim=1))
    table = torch.stack(rows)
    has = ~table.isnan()
    count = has.sum(0)
    mean = table.nanmean(0)
    std = (torch.where(has, table - mean, 0).square().sum(0) / (count - 1)).sqrt()
    return mean, 1.96 * std / count.sqrt()
