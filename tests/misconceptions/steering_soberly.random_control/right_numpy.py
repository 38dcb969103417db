"""numpy, own effect first, a list of effects."""

import numpy as np
import torch

RIGHT = True


def random_control(effect, vector, n, seed=0):
    rng = np.random.default_rng(seed)
    own = abs(effect(vector))
    effects = []
    for _ in range(n):
        drawn = rng.standard_normal(len(vector))
        drawn *= float(vector.norm()) / np.linalg.norm(drawn)
        effects.append(effect(torch.from_numpy(drawn)))
    return effects, sum([abs(x) >= own for x in effects], 1) / (n + 1)
