"""Multiplies the vector by the strength in every pass."""

MISCONCEPTION = "strength/grows"


def steering_hook(vector, strength):
    def hook(module, args, output):
        nonlocal vector
        hidden = output[0] if isinstance(output, tuple) else output
        vector = strength * vector
        hidden = hidden + vector.to(hidden)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
