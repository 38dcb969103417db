"""In place, and once more in what is returned."""

MISCONCEPTION = "strength/doubled"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden += strength * vector.to(hidden)
        hidden = hidden + strength * vector.to(hidden)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
