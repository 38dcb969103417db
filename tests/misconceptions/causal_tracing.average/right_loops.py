"""Number by number, with the statistics module."""

import math
import statistics

import torch

from course_utils.tracing import ROLES, token_roles

RIGHT = True


def average_effects(maps, subjects):
    mean = torch.zeros(len(maps[0]), 6, dtype=torch.float64)
    half = torch.zeros(len(maps[0]), 6, dtype=torch.float64)
    for block in range(len(maps[0])):
        for role, name in enumerate(ROLES):
            values = []
            for effects, subject in zip(maps, subjects, strict=True):
                at = token_roles(subject, effects.shape[1])[name]
                if at:
                    values.append(statistics.mean(effects[block, at].tolist()))
            mean[block, role] = statistics.mean(values)
            half[block, role] = 1.96 * statistics.stdev(values) / math.sqrt(len(values))
    return mean, half
