"""Loops, one token changed at a time."""

import torch

RIGHT = True


def properties(model, ids):
    mode = model.training
    model.eval()
    with torch.no_grad():
        logits = model(ids)
        limit = 1e-4 * float(logits.abs().max())
        found = dict(causal=True, rows=True, padding=True)
        for t in range(1, ids.shape[1]):
            changed = ids.clone()
            changed[:, t] = ids[:, t].roll(1)
            if float((model(changed) - logits)[:, :t].abs().max()) > limit:
                found["causal"] = False
        for i in range(ids.shape[0]):
            if float((model(ids[i][None]) - logits[i]).abs().max()) > limit:
                found["rows"] = False
        zeros = torch.zeros(ids.shape[0], 3, dtype=ids.dtype)
        longer = model(torch.cat((ids, zeros), dim=1))[:, : ids.shape[1]]
        found["padding"] = torch.allclose(longer, logits, rtol=0, atol=limit)
    model.train(mode)
    return found
