"""Changes the activation in place and returns nothing."""

RIGHT = True


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden += strength * vector.to(hidden.device)

    return hook
