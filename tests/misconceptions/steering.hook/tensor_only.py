"""Does not know blocks that return a tuple."""

MISCONCEPTION = "hook/tuple-not-handled"


def steering_hook(vector, strength):
    def hook(module, args, output):
        return output + strength * vector.to(output)

    return hook
