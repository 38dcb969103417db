"""The course's context managers."""

import torch

from course_utils.hooks import edit, record

RIGHT = True


@torch.no_grad()
def restore(model, input_ids, corrupted, block, position, answer):
    with record(model, [("block", block)]) as seen:
        model(input_ids)

    def put(activation, positions):
        activation[:, position] = seen["block", block][0, position]
        return activation

    with edit(model, {("block", block): put}):
        logits = model(inputs_embeds=corrupted).logits
    return torch.softmax(logits[:, -1], dim=-1)[:, answer].mean()
