"""Cuts the output of attention into heads."""

import torch

MISCONCEPTION = "head/after-output-map"


@torch.no_grad()
def ablate_head(model, input_ids, block, head, baseline, reference):
    o_proj = model.model.layers[block].self_attn.o_proj
    d_head = o_proj.out_features // model.config.num_attention_heads
    columns = slice(head * d_head, (head + 1) * d_head)
    seen = []
    handle = o_proj.register_forward_hook(lambda module, args, output: seen.append(output))
    try:
        model(reference)
    finally:
        handle.remove()
    if baseline == "zero":
        value = torch.zeros_like(seen[0][..., columns])
    elif baseline == "mean":
        value = seen[0][..., columns].mean(dim=(0, 1))
    else:
        value = seen[0][..., columns]

    def put(module, args, output):
        heads = output.clone()
        heads[..., columns] = value
        return heads

    handle = o_proj.register_forward_hook(put)
    try:
        return model(input_ids).logits
    finally:
        handle.remove()
