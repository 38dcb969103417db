"""The hook returns nothing."""

MISCONCEPTION = "steering/none"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden + strength * vector.to(hidden)

    return hook
