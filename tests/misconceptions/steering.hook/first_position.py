"""Adds at the first position alone."""

MISCONCEPTION = "positions/first-only"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden.clone()
        hidden[:, 0] += strength * vector.to(hidden)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
