"""Only the last tensor is remembered."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "saved/last"


def saved_bytes(forward, parameters=()):
    size = 0

    def pack(tensor):
        nonlocal size
        size = tensor.nbytes
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return size
