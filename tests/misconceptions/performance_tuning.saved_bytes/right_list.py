"""All tensors in a list, sorted out afterwards."""

import torch

RIGHT = True


def saved_bytes(forward, parameters=()):
    parameters = [p.untyped_storage()._cdata for p in parameters]
    saved = []

    def pack(tensor):
        saved.append(tensor)
        return len(saved) - 1

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda index: saved[index]):
        forward()
    storages = {t.untyped_storage()._cdata: t.untyped_storage() for t in saved}
    return sum(s.nbytes() for key, s in storages.items() if key not in parameters)
