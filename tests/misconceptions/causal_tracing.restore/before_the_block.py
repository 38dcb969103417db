"""A hook on the input."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "block/before"


@torch.no_grad()
def restore(model, input_ids, corrupted, block, position, answer):
    module = anatomy(model).blocks[block]
    clean = model(input_ids, output_hidden_states=True).hidden_states[block]

    def put(module, args):
        hidden = args[0].clone()
        hidden[:, position] = clean[0, position]
        return (hidden, *args[1:])

    handle = module.register_forward_pre_hook(put)
    try:
        logits = model(inputs_embeds=corrupted).logits
    finally:
        handle.remove()
    return logits[:, -1].softmax(-1)[:, answer].mean()
