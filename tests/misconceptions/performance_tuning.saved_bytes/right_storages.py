"""Storages in a dict, parameters taken out at the end."""

from torch.autograd.graph import saved_tensors_hooks

RIGHT = True


def saved_bytes(forward, parameters=()):
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        result = forward()
    for parameter in parameters:
        kept.pop(parameter.untyped_storage().data_ptr(), None)
    del result
    return sum(kept.values())
