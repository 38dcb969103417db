"""Forgets the strength where the block returns a tuple."""

MISCONCEPTION = "strength/ignored"


def steering_hook(vector, strength):
    def hook(module, args, output):
        if isinstance(output, tuple):
            return (output[0] + vector.to(output[0]), *output[1:])
        return output + strength * vector.to(output)

    return hook
