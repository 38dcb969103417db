"""Scales the vector to length 1."""

MISCONCEPTION = "vector/normalized"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden + strength * (vector / vector.norm()).to(hidden)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
