"""Returns the activation of a tuple alone."""

MISCONCEPTION = "hook/drops-the-rest"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden + strength * vector.to(hidden)
        return hidden

    return hook
