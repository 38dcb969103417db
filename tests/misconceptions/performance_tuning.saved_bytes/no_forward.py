"""forward is never called."""

from torch.autograd.graph import saved_tensors_hooks

MISCONCEPTION = "forward/not-run"


def saved_bytes(forward, parameters=()):
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        forward  # noqa: B018
    return sum(kept.values())
