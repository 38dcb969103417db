"""Gives percent."""

import torch
import torch.nn.functional as F

from course_utils.hooks import edit, record

MISCONCEPTION = "recovered/percent"


def sae_metrics(model, input_ids, block, sae):
    def loss(logits):
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), input_ids[:, 1:].flatten()).item()

    with torch.no_grad():
        with record(model, [("block", block)]) as kept:
            clean = loss(model(input_ids).logits)
        x = kept["block", block]
        mean = x.mean((0, 1))
        features = sae.encode(x)
        with edit(model, {("block", block): lambda a, positions: mean.expand_as(a)}):
            ablated = loss(model(input_ids).logits)
        with edit(model, {("block", block): lambda a, positions: sae.decode(sae.encode(a))}):
            replaced = loss(model(input_ids).logits)
    error = x - sae.decode(features)
    return {
        "l0": (features > 0).sum(-1).double().mean().item(),
        "fvu": ((error**2).sum() / ((x - mean) ** 2).sum()).item(),
        "loss_recovered": 100 * (ablated - replaced) / (ablated - clean),
    }
