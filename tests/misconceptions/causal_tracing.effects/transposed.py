"""A row for each position."""

import torch

from course_utils.tracing import restore

MISCONCEPTION = "shape/transposed"


@torch.no_grad()
def effects(model, input_ids, corrupted, answer):
    clean = model(input_ids).logits[0, -1].softmax(-1)[answer]
    noisy = model(inputs_embeds=corrupted).logits[:, -1].softmax(-1)[:, answer].mean()
    n_blocks, n_positions = model.config.num_hidden_layers, input_ids.shape[1]
    indirect = torch.zeros(n_blocks, n_positions, dtype=clean.dtype)
    for block in range(n_blocks):
        for position in range(n_positions):
            restored = restore(model, input_ids, corrupted, block, position, answer)
            indirect[block, position] = restored - noisy
    return clean - noisy, indirect.T
