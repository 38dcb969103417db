"""The parameters are gone through for every tensor."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "parameters/consumed"


def saved_bytes(forward, parameters=()):
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in [p.untyped_storage().data_ptr() for p in parameters]:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(kept.values())
