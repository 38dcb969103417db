"""Whatever is a parameter, or a part of one, does not count, given or not."""

from torch import nn
from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "parameters/not-given"


def saved_bytes(forward, parameters=()):
    kept = {}

    def pack(tensor):
        whole = tensor if tensor._base is None else tensor._base
        if not isinstance(whole, nn.Parameter):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(kept.values())
