"""Puts the vector in place of the activation."""

MISCONCEPTION = "steering/replaces"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = (strength * vector.to(hidden)).expand_as(hidden)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
