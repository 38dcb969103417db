"""The heads as a dimension of their own."""

import torch

RIGHT = True


@torch.no_grad()
def ablate_head(model, input_ids, block, head, baseline, reference):
    o_proj = model.model.layers[block].self_attn.o_proj
    d_head = o_proj.in_features // model.config.num_attention_heads
    n_heads = model.config.num_attention_heads
    seen = []
    handle = o_proj.register_forward_pre_hook(lambda module, args: seen.append(args[0].clone()))
    try:
        model(reference)
    finally:
        handle.remove()
    if baseline == "zero":
        value = torch.zeros_like(seen[0].unflatten(-1, (n_heads, d_head))[:, :, head])
    elif baseline == "mean":
        value = seen[0].unflatten(-1, (n_heads, d_head))[:, :, head].mean(dim=(0, 1))
    else:
        value = seen[0].unflatten(-1, (n_heads, d_head))[:, :, head]

    def put(module, args):
        heads = args[0].unflatten(-1, (n_heads, d_head)).clone()
        heads[:, :, head] = value
        return (heads.flatten(-2),)

    handle = o_proj.register_forward_pre_hook(put)
    try:
        return model(input_ids).logits
    finally:
        handle.remove()
