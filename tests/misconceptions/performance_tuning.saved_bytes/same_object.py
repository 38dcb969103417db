"""A parameter is known by its identity; but its transpose is saved."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "parameters/counted"


def saved_bytes(forward, parameters=()):
    parameters = list(parameters)
    kept = {}

    def pack(tensor):
        if not any(tensor is parameter for parameter in parameters):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(kept.values())
