"""Multiplies the caller's vector in place."""

MISCONCEPTION = "mutates/input"


def steering_hook(vector, strength):
    vector *= strength

    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden + vector.to(hidden)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
