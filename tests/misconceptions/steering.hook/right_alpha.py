"""torch.add with alpha."""

import torch

RIGHT = True


def steering_hook(vector, strength):
    def add(hidden):
        return torch.add(hidden, vector.to(hidden), alpha=strength)

    return lambda module, args, output: (
        add(output) if torch.is_tensor(output) else (add(output[0]),) + tuple(output[1:])
    )
