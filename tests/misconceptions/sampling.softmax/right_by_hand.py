"""By hand, with the row's maximum subtracted; an assertion guards the temperature."""

import torch

RIGHT = True


def softmax(logits, temperature):
    assert temperature > 0, "temperature must be positive"
    scaled = logits / temperature
    scaled = scaled - scaled.max(dim=-1, keepdim=True)[0]
    weights = torch.exp(scaled)
    return weights / weights.sum(-1, keepdim=True)
