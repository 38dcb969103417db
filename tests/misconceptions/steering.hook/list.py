"""Makes a list of a tuple, to change its first entry."""

MISCONCEPTION = "hook/list"


def steering_hook(vector, strength):
    def hook(module, args, output):
        if not isinstance(output, tuple):
            return output + strength * vector.to(output)
        output = list(output)
        output[0] = output[0] + strength * vector.to(output[0])
        return output

    return hook
