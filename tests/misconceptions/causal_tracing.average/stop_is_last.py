"""subject.stop is the subject's last token."""

import torch

MISCONCEPTION = "roles/last-subject-one-too-far"


def average_effects(maps, subjects):
    rows = []
    for effects, subject in zip(maps, subjects, strict=True):
        n = effects.shape[1]
        inside = list(range(subject.start, subject.stop))
        after = list(range(subject.stop, n - 1))
        roles = [
            inside[:-1][:1],
            inside[1:-1],
            [min(subject.stop, n - 1)],
            after[:1],
            after[1:],
            [n - 1],
        ]
        rows.append(torch.stack([effects[:, at].mean(1) for at in roles], dim=1))
    table = torch.stack(rows)
    has = ~table.isnan()
    count = has.sum(0)
    mean = table.nanmean(0)
    std = (torch.where(has, table - mean, 0).square().sum(0) / (count - 1)).sqrt()
    return mean, 1.96 * std / count.sqrt()
