"""Changes the second half."""

import torch
import torch.nn.functional as F

MISCONCEPTION = "misses/one-place-ahead"


@torch.no_grad()
def properties(model, ids):
    was_training = model.training
    model.eval()
    logits = model(ids)
    others, n = ids.roll(1, 0), ids.shape[1]

    def same(one, other):
        return bool((one - other).abs().max() < 1e-4 * logits.abs().max())

    t = n // 2 + 2
    changed = torch.cat([ids[:, :t], others[:, t:]], 1)
    causal = same(model(changed)[:, :t], logits[:, :t])
    rows = all(same(model(ids[i : i + 1])[0], logits[i]) for i in range(len(ids)))
    padding = same(model(F.pad(ids, (0, 2)))[:, :n], logits)
    model.train(was_training)
    return {"causal": causal, "rows": rows, "padding": padding}
