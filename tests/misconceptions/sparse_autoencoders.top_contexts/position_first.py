"""Puts the position first."""

import torch

MISCONCEPTION = "result/order"


def top_contexts(activations, lengths, k, width):
    inside = torch.arange(activations.shape[1]) < lengths[:, None]
    values, places = torch.where(inside, activations, 0.0).max(-1)
    docs = values.argsort(descending=True, stable=True)[:k].tolist()
    found = [(doc, int(places[doc])) for doc in docs if values[doc] > 0]
    return [
        (pos, doc, max(0, pos - width), min(int(lengths[doc]), pos + width + 1))
        for doc, pos in found
    ]
