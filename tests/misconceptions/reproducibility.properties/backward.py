"""The gradient tells; and it stays in the parameters."""

import torch

MISCONCEPTION = "leaves/gradients"


def properties(model, ids):
    was_training = model.training
    model.eval()
    logits = model(ids)
    logits.sum().backward()
    n, scale = ids.shape[1], logits.abs().max()

    def same(one, other):
        return bool((one - other).abs().max() < 1e-4 * scale)

    causal = True
    for t in range(1, n):
        changed = ids.clone()
        changed[:, t:] = ids.roll(1, 0)[:, t:]
        causal = causal and same(model(changed)[:, :t], logits[:, :t])
    rows = all(same(model(ids[i : i + 1])[0], logits[i]) for i in range(len(ids)))
    padded = torch.cat([ids, torch.zeros_like(ids[:, :1])], 1)
    padding = same(model(padded)[:, :n], logits)
    model.train(was_training)
    return {"causal": causal, "rows": rows, "padding": padding}
