"""Every call of pack adds the tensor's own size."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "twice/counted"


def saved_bytes(forward, parameters=()):
    known = {p.data_ptr() for p in parameters}
    sizes = []

    def pack(tensor):
        if tensor.data_ptr() not in known:
            sizes.append(tensor.numel() * tensor.element_size())
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(sizes)
