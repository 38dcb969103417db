"""Whatever is saved."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "parameters/counted"


def saved_bytes(forward, parameters=()):
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(kept.values())
