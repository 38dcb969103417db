"""Leaves are parameters."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "leaves/left-out"


def saved_bytes(forward, parameters=()):
    known = {p.untyped_storage().data_ptr() for p in parameters}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if not tensor.is_leaf and storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(kept.values())
