"""A loop over rows, and one over tokens."""

import torch

RIGHT = True


def top_p_filter(logits, p):
    shape = logits.shape
    rows = []
    for row in logits.reshape(-1, shape[-1]):
        probabilities = torch.softmax(row, dim=0)
        total, kept = 0.0, torch.full_like(row, float("-inf"))
        for index in torch.argsort(row, descending=True).tolist():
            kept[index] = row[index]
            total += probabilities[index].item()
            if total >= p:
                break
        rows.append(kept)
    return torch.stack(rows).reshape(shape)
