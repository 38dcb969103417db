"""sort() puts the best first."""

import torch

MISCONCEPTION = "direction/keeps-the-unlikely"


def top_k_filter(logits, k):
    indices = logits.sort(dim=-1).indices[..., : min(k, logits.shape[-1])]
    result = torch.full_like(logits, float("-inf"))
    return result.scatter(-1, indices, logits.gather(-1, indices))
