"""Adds to every entry of a tuple."""

MISCONCEPTION = "hook/other-entry"


def steering_hook(vector, strength):
    def hook(module, args, output):
        if isinstance(output, tuple):
            first, *rest = output
            return (first + strength * vector.to(first), *(strength * x for x in rest))
        return output + strength * vector.to(output)

    return hook
