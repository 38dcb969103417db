"""Puts the corrupted state into the clean run."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "runs/swapped"


@torch.no_grad()
def restore(model, input_ids, corrupted, block, position, answer):
    module = anatomy(model).blocks[block]
    states = []
    handle = module.register_forward_hook(lambda module, args, output: states.append(output))
    try:
        model(inputs_embeds=corrupted)
    finally:
        handle.remove()

    def put(module, args, output):
        output = output.clone()
        output[:, position] = states[0][:, position]
        return output

    handle = module.register_forward_hook(put)
    try:
        logits = model(input_ids.expand(len(corrupted), -1)).logits
    finally:
        handle.remove()
    return logits[:, -1].softmax(-1)[:, answer].mean()
