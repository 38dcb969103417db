"""A float32 vector makes a bfloat16 activation float32."""

MISCONCEPTION = "dtype/not-cast"


def steering_hook(vector, strength):
    def hook(module, args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden + strength * vector
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook
