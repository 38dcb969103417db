"""The differences themselves."""

import torch
import torch.nn.functional as F

MISCONCEPTION = "answer/not-truth-values"


@torch.no_grad()
def properties(model, ids):
    was_training = model.training
    model.eval()
    logits = model(ids)
    others, n = ids.roll(1, 0), ids.shape[1]

    def same(one, other):
        return (one - other).abs().max()

    causal = max(
        float(same(model(torch.cat([ids[:, :t], others[:, t:]], 1))[:, :t], logits[:, :t]))
        for t in range(1, n)
    )
    rows = max(float(same(model(ids[i : i + 1])[0], logits[i])) for i in range(len(ids)))
    padding = float(same(model(F.pad(ids, (0, 2)))[:, :n], logits))
    model.train(was_training)
    return {"causal": causal, "rows": rows, "padding": padding}
