"""A class that counts; a tensor of bytes comes back."""

import torch
from torch.autograd.graph import saved_tensors_hooks

RIGHT = True


class Counter:
    def __init__(self, parameters):
        self.seen = {p.untyped_storage().data_ptr() for p in parameters}
        self.total = torch.tensor(0)

    def pack(self, tensor):
        pointer = tensor.untyped_storage().data_ptr()
        if pointer not in self.seen:
            self.seen.add(pointer)
            self.total += len(tensor.untyped_storage())
        return tensor.detach()


def saved_bytes(forward, parameters=()):
    counter = Counter(parameters)
    with saved_tensors_hooks(counter.pack, lambda tensor: tensor):
        forward()
    return counter.total
