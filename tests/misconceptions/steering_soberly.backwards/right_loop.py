"""Python's lists."""

import torch

RIGHT = True


def anti_steerable_share(slopes, groups, n_groups):
    shares = []
    for group in range(n_groups):
        own = [
            s
            for s, g in zip(slopes.tolist(), groups.tolist(), strict=True)
            if g == group and s == s
        ]
        shares.append(sum(s < 0 for s in own) / len(own) if own else float("nan"))
    return torch.tensor(shares)
