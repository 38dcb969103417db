"""An object that can be called."""

import torch

RIGHT = True


class Adder:
    def __init__(self, vector):
        self.vector = vector

    def __call__(self, module, args, output):
        if torch.is_tensor(output):
            return output + self.vector.to(output.device).to(output.dtype)[None, None, :]
        return (self(module, args, output[0]),) + output[1:]


def steering_hook(vector, strength):
    return Adder(vector * strength)
