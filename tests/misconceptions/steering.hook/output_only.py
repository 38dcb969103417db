"""A hook that takes the output alone."""

MISCONCEPTION = "hook/arguments"


def steering_hook(vector, strength):
    def hook(output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden + strength * vector.to(hidden)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
