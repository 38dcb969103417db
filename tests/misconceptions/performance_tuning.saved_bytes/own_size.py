"""The size of the tensor, by its storage."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "view/own-size"


def saved_bytes(forward, parameters=()):
    known = {p.untyped_storage().data_ptr() for p in parameters}
    kept = {}

    def pack(tensor):
        if tensor.untyped_storage().data_ptr() not in known:
            kept[tensor.untyped_storage().data_ptr()] = tensor.nbytes
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(kept.values())
