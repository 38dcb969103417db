"""Leaves its last hook on the model."""

import torch
import torch.nn.functional as F

from course_utils.anatomy import anatomy

MISCONCEPTION = "hooks/left"


def sae_metrics(model, input_ids, block, sae):
    def loss(logits):
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), input_ids[:, 1:].flatten()).item()

    layer = anatomy(model).blocks[block]

    def replace(way):
        def hook(module, args, output):
            x = output[0] if isinstance(output, tuple) else output
            return (way(x), *output[1:]) if isinstance(output, tuple) else way(x)

        return layer.register_forward_hook(hook)

    kept = []
    with torch.no_grad():
        handle = replace(lambda x: kept.append(x) or x)
        clean = loss(model(input_ids).logits)
        handle.remove()
        x = kept[0]
        mean = x.mean((0, 1))
        features = sae.encode(x)
        handle = replace(lambda x: mean.expand_as(x))
        ablated = loss(model(input_ids).logits)
        handle.remove()
        handle = replace(lambda x: sae.decode(sae.encode(x)))
        replaced = loss(model(input_ids).logits)
    error = x - sae.decode(features)
    return {
        "l0": (features > 0).sum(-1).double().mean().item(),
        "fvu": ((error**2).sum() / ((x - mean) ** 2).sum()).item(),
        "loss_recovered": (ablated - replaced) / (ablated - clean),
    }
