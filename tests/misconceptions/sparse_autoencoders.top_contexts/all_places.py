"""The k largest activations."""

import torch

MISCONCEPTION = "documents/repeated"


def top_contexts(activations, lengths, k, width):
    inside = torch.arange(activations.shape[1]) < lengths[:, None]
    flat = torch.where(inside, activations, 0.0).flatten()
    found = []
    for i in flat.sort(descending=True, stable=True).indices[:k].tolist():
        doc, pos = divmod(i, activations.shape[1])
        if flat[i] > 0:
            found.append((doc, pos, max(0, pos - width), min(int(lengths[doc]), pos + width + 1)))
    return found
