"""With logsumexp, in float64, and one parameter more."""

import torch

RIGHT = True


def softmax(logits, temperature=1.0, dim=-1):
    if not temperature > 0:
        raise Exception("temperature")
    z = logits.double() * (1 / temperature)
    return torch.exp(z - torch.logsumexp(z, dim=dim, keepdim=True))
