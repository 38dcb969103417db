"""Each row with each other row in its place; NumPy's truth values."""

import numpy as np
import torch
import torch.nn.functional as F

RIGHT = True


@torch.no_grad()
def properties(model, ids):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    logits = model(ids).numpy()
    n = ids.shape[1]

    def largest(other, one=logits):
        return np.abs(other.numpy() - one).max() / np.abs(logits).max()

    look_ahead = []
    for t in range(n - 1):
        tail = ids[:, t + 1 :].flip(0)
        middle = ids.clone()
        middle[:, t + 1 :] = torch.where(tail == middle[:, t + 1 :], ids[:1, t + 1 :], tail)
        look_ahead.append(largest(model(middle)[:, : t + 1], logits[:, : t + 1]))
    look_aside = [largest(model(ids[[i]]), logits[[i]]) for i in range(len(ids))]
    behind = [largest(model(F.pad(ids, (0, k)))[:, :n]) for k in (1, 4)]
    for module, mode in modes.items():
        module.training = mode
    return {
        "causal": max(look_ahead) < 1e-4,
        "rows": max(look_aside) < 1e-4,
        "padding": max(behind) < 1e-4,
    }
