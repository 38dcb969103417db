"""A set of sizes."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "twice/by-size"


def saved_bytes(forward, parameters=()):
    known = {p.untyped_storage().data_ptr() for p in parameters}
    kept = set()

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept.add(storage.nbytes())
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(kept)
