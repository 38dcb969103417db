"""Returns the first row of a tensor, taken for a tuple."""

MISCONCEPTION = "positions/first-row"


def steering_hook(vector, strength):
    def hook(module, args, output):
        return output[0] + strength * vector.to(output[0])

    return hook
