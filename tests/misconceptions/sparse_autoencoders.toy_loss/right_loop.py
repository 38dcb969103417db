"""Row by row."""

import torch

RIGHT = True


def toy_loss(x, W, b, importance):
    rows = []
    for i in range(x.shape[-2]):
        row = x[..., i, :, None]
        out = torch.clamp((W.transpose(-1, -2) @ (W @ row))[..., 0] + b, min=0)
        rows.append(((row[..., 0] - out) ** 2 * importance).sum(dim=-1))
    return sum(rows) / len(rows)
