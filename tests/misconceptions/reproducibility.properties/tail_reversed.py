"""Reverses what comes later; a tail of one token is its own reverse."""

import torch
import torch.nn.functional as F

MISCONCEPTION = "misses/the-last-place-ahead"


@torch.no_grad()
def properties(model, ids):
    was_training = model.training
    model.eval()
    logits = model(ids)
    n = ids.shape[1]

    def same(one, other):
        return bool((one - other).abs().max() < 1e-4 * logits.abs().max())

    changed = [torch.cat([ids[:, :t], ids[:, t:].flip(1)], 1) for t in range(1, n)]
    causal = all(same(model(x)[:, :t], logits[:, :t]) for t, x in enumerate(changed, 1))
    rows = all(same(model(ids[i : i + 1])[0], logits[i]) for i in range(len(ids)))
    padding = same(model(F.pad(ids, (0, 2)))[:, :n], logits)
    model.train(was_training)
    return {"causal": causal, "rows": rows, "padding": padding}
