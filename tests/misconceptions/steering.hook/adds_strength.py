"""Adds the strength to every number."""

MISCONCEPTION = "strength/added"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden + vector.to(hidden) + strength
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
