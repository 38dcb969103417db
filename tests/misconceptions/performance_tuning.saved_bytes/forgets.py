"""pack gives nothing back."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "backward/broken"


def saved_bytes(forward, parameters=()):
    known = {p.untyped_storage().data_ptr() for p in parameters}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage
        return None

    with saved_tensors_hooks(pack, lambda nothing: nothing):
        forward()
    return sum(storage.nbytes() for storage in kept.values())
