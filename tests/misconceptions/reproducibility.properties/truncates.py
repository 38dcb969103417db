"""Cuts the text short."""

import torch
import torch.nn.functional as F

MISCONCEPTION = "answer/mixed-up"


@torch.no_grad()
def properties(model, ids):
    was_training = model.training
    model.eval()
    logits = model(ids)
    n = ids.shape[1]

    def same(one, other):
        return bool((one - other).abs().max() < 1e-4 * logits.abs().max())

    causal = all(same(model(ids[:, :t]), logits[:, :t]) for t in range(1, n))
    rows = all(same(model(ids[i : i + 1])[0], logits[i]) for i in range(len(ids)))
    padding = same(model(F.pad(ids, (0, 2)))[:, :n], logits)
    model.train(was_training)
    return {"causal": causal, "rows": rows, "padding": padding}
