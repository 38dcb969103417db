"""Shares the width between the sides."""

import torch

MISCONCEPTION = "context/halved"


def top_contexts(activations, lengths, k, width):
    inside = torch.arange(activations.shape[1]) < lengths[:, None]
    values, places = torch.where(inside, activations, 0.0).max(-1)
    docs = values.argsort(descending=True, stable=True)[:k].tolist()
    found = [(doc, int(places[doc])) for doc in docs if values[doc] > 0]
    return [
        (doc, pos, max(0, pos - width // 2), min(int(lengths[doc]), pos + width // 2 + 1))
        for doc, pos in found
    ]
