"""Takes the last token for the end."""

import torch

MISCONCEPTION = "context/one-side"


def top_contexts(activations, lengths, k, width):
    inside = torch.arange(activations.shape[1]) < lengths[:, None]
    values, places = torch.where(inside, activations, 0.0).max(-1)
    docs = values.argsort(descending=True, stable=True)[:k].tolist()
    found = [(doc, int(places[doc])) for doc in docs if values[doc] > 0]
    return [
        (doc, pos, max(0, pos - width), min(int(lengths[doc]) - 1, pos + width + 1))
        for doc, pos in found
    ]
