"""Clears the gradients, to begin with clean ones."""

import torch
import torch.nn.functional as F

MISCONCEPTION = "leaves/gradients"


@torch.no_grad()
def properties(model, ids):
    was_training = model.training
    model.zero_grad()
    model.eval()
    logits = model(ids)
    others, n = ids.roll(1, 0), ids.shape[1]

    def same(one, other):
        return bool((one - other).abs().max() < 1e-4 * logits.abs().max())

    changed = [torch.cat([ids[:, :t], others[:, t:]], 1) for t in range(1, n)]
    causal = all(same(model(x)[:, :t], logits[:, :t]) for t, x in enumerate(changed, 1))
    rows = all(same(model(ids[i : i + 1])[0], logits[i]) for i in range(len(ids)))
    padding = same(model(F.pad(ids, (0, 2)))[:, :n], logits)
    model.train(was_training)
    return {"causal": causal, "rows": rows, "padding": padding}
