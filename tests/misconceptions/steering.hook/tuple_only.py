"""Takes every output for a tuple."""

MISCONCEPTION = "hook/returns-tuple"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] + strength * vector.to(output[0])
        return (hidden,) + output[1:]

    return hook
