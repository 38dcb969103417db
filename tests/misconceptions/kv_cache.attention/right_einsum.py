"""einsum, and where for the mask."""

import torch

RIGHT = True


def attention(q, k, v, mask=None):
    scores = torch.einsum("...ld,...sd->...ls", q, k) * q.shape[-1] ** -0.5
    if mask is not None and mask.dtype == torch.bool:
        scores = torch.where(mask, scores, -torch.inf)
    elif mask is not None:
        scores = scores + mask
    weights = scores.softmax(-1)
    return torch.einsum("...ls,...sv->...lv", weights, v), weights
