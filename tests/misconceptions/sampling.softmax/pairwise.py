"""One over the sum of exp of the differences: nothing can overflow."""

MISCONCEPTION = "stability/nan-on-dropped-logits"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = logits / temperature
    return 1 / (z.unsqueeze(-2) - z.unsqueeze(-1)).exp().sum(dim=-1)
