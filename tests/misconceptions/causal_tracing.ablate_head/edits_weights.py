"""Zeroes the head's columns of the matrix."""

import torch

MISCONCEPTION = "mutates/model"


@torch.no_grad()
def ablate_head(model, input_ids, block, head, baseline, reference):
    o_proj = model.model.layers[block].self_attn.o_proj
    d_head = o_proj.in_features // model.config.num_attention_heads
    columns = slice(head * d_head, (head + 1) * d_head)
    seen = []
    handle = o_proj.register_forward_pre_hook(lambda module, args: seen.append(args[0].clone()))
    try:
        model(reference)
    finally:
        handle.remove()
    if baseline == "zero":
        o_proj.weight[:, columns] = 0
        value = torch.zeros_like(seen[0][..., columns])
    elif baseline == "mean":
        value = seen[0][..., columns].mean(dim=(0, 1))
    else:
        value = seen[0][..., columns]

    def put(module, args):
        heads = args[0].clone()
        heads[..., columns] = value
        return (heads,)

    handle = o_proj.register_forward_pre_hook(put)
    try:
        return model(input_ids).logits
    finally:
        handle.remove()
