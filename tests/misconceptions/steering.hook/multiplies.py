"""Multiplies the activation by the strength."""

MISCONCEPTION = "steering/multiplies"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden * strength
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
