"""A branch for each kind of output."""

RIGHT = True


def steering_hook(vector, strength):
    scaled = strength * vector

    def hook(module, args, output):
        if isinstance(output, tuple):
            first, *rest = output
            return first + scaled.to(dtype=first.dtype, device=first.device), *rest
        return output + scaled.to(dtype=output.dtype, device=output.device)

    return hook
