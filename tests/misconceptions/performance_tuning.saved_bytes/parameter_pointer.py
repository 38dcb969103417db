"""Tensors are told apart by their storage, parameters by their first value."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "parameters/by-pointer"


def saved_bytes(forward, parameters=()):
    known = {parameter.data_ptr() for parameter in parameters}
    kept = {}

    def pack(tensor):
        if tensor.data_ptr() not in known:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(kept.values())
