"""Logits and losses are kept in lists; their graphs are gone by then."""

import torch

RIGHT = True


def accumulate(model, micro_batches):
    model.train()
    model.zero_grad(set_to_none=False)
    count = torch.cat([targets.flatten() for _, targets in micro_batches]).ne(-100).sum()
    outputs, losses = [], []
    for ids, targets in micro_batches:
        logits, counts = model(ids), targets != -100
        outputs.append(logits)
        chosen = logits[counts, targets[counts]]
        losses.append((logits.logsumexp(-1)[counts] - chosen).sum() / count)
        losses[-1].backward()
    return sum(losses).item()
