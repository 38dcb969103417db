"""Every call of pack adds."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "twice/counted"


def saved_bytes(forward, parameters=()):
    known = {p.untyped_storage().data_ptr() for p in parameters}
    total = 0

    def pack(tensor):
        nonlocal total
        if tensor.untyped_storage().data_ptr() not in known:
            total += tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return total
