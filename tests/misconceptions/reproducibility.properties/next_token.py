"""Changes one token, and looks at the position before it."""

import torch
import torch.nn.functional as F

MISCONCEPTION = "misses/three-ahead"


@torch.no_grad()
def properties(model, ids):
    was_training = model.training
    model.eval()
    logits = model(ids)
    others, n = ids.roll(1, 0), ids.shape[1]

    def same(one, other):
        return bool((one - other).abs().max() < 1e-4 * logits.abs().max())

    causal = True
    for t in range(1, n):
        changed = ids.clone()
        changed[:, t] = others[:, t]
        causal &= same(model(changed)[:, t - 1], logits[:, t - 1])
    rows = all(same(model(ids[i : i + 1])[0], logits[i]) for i in range(len(ids)))
    padding = same(model(F.pad(ids, (0, 2)))[:, :n], logits)
    model.train(was_training)
    return {"causal": causal, "rows": rows, "padding": padding}
