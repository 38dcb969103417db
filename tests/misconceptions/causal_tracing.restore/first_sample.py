"""Reads row 0."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "samples/one-read"


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
        output = output.clone()
        output[:, position] = states[0][0, position]
        return output

    handle = module.register_forward_hook(put)
    try:
        logits = model(inputs_embeds=corrupted).logits
    finally:
        handle.remove()
    return logits[:, -1].softmax(-1)[0, answer]
