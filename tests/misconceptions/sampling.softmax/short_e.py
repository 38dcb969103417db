"""e is 2.718."""

MISCONCEPTION = "formula/other-function"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = logits / temperature
    weights = 2.718 ** (z - z.amax(dim=-1, keepdim=True))
    return weights / weights.sum(dim=-1, keepdim=True)
