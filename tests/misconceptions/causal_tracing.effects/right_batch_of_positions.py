"""All positions of a block in one batch."""

import torch

from course_utils.anatomy import anatomy
from course_utils.hooks import edit, record

RIGHT = True


@torch.no_grad()
def effects(model, input_ids, corrupted, answer):
    blocks = anatomy(model).blocks
    with record(model, [("block", i) for i in range(len(blocks))]) as seen:
        clean = model(input_ids).logits[0, -1].softmax(-1)[answer]
    noisy = model(inputs_embeds=corrupted).logits[:, -1].softmax(-1)[:, answer].mean()
    n, length, width = corrupted.shape
    batch = corrupted.repeat(length, 1, 1)
    rows = []
    for i in range(len(blocks)):
        state = seen["block", i][0]

        def put(activation, positions, state=state):
            cells = activation.view(length, n, length, width)
            for position in range(length):
                cells[position, :, position] = state[position]
            return activation

        with edit(model, {("block", i): put}):
            probability = model(inputs_embeds=batch).logits[:, -1].softmax(-1)[:, answer]
        rows.append(probability.view(length, n).mean(1) - noisy)
    return clean - noisy, torch.stack(rows)
