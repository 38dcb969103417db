"""Takes a tensor for a tuple: output[0] is the first row of the batch."""

MISCONCEPTION = "positions/first-row"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0]
        hidden += strength * vector.to(hidden)
        return output

    return hook
