"""The hook changes the output in place, and returns a float."""

import torch

from course_utils.anatomy import anatomy

RIGHT = True


@torch.no_grad()
def restore(model, input_ids, corrupted, block, position, answer):
    module = anatomy(model).blocks[block]
    states = []
    handle = module.register_forward_hook(lambda module, args, output: states.append(output))
    try:
        model(input_ids)
    finally:
        handle.remove()

    def put(module, args, output):
        output[:, position] = states[0][0, position]

    handle = module.register_forward_hook(put)
    try:
        logits = model(inputs_embeds=corrupted).logits
    finally:
        handle.remove()
    return logits[:, -1].softmax(-1)[:, answer].mean().item()
