"""Truth values as tensors."""

import torch
import torch.nn.functional as F

RIGHT = True


@torch.no_grad()
def properties(model, ids):
    was_training = model.training
    model.eval()
    logits = model(ids)
    others, n = ids.roll(1, 0), ids.shape[1]

    def same(one, other):
        return ((one - other).abs() <= 2e-4 * logits.abs().max()).all()

    causal = torch.stack(
        [
            same(model(torch.where(torch.arange(n) < t, ids, others))[:, :t], logits[:, :t])
            for t in range(1, n)
        ]
    ).all()
    rows = torch.tensor(
        [same(model(row)[0], whole) for row, whole in zip(ids.split(1), logits, strict=True)]
    ).all()
    padding = same(model(F.pad(ids, (0, 2)))[:, :n], logits)
    model.train(was_training)
    return {"causal": causal, "rows": rows, "padding": padding}
