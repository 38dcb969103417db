"""The clean run gets the noise as well."""

import torch

from course_utils.tracing import restore

MISCONCEPTION = "effect/zero"


@torch.no_grad()
def effects(model, input_ids, corrupted, answer):
    clean = model(inputs_embeds=corrupted).logits[:, -1].softmax(-1)[:, answer].mean()
    noisy = model(inputs_embeds=corrupted).logits[:, -1].softmax(-1)[:, answer].mean()
    n_blocks, n_positions = model.config.num_hidden_layers, input_ids.shape[1]
    indirect = torch.zeros(n_blocks, n_positions, dtype=clean.dtype)
    for block in range(n_blocks):
        for position in range(n_positions):
            restored = restore(model, input_ids, corrupted, block, position, answer)
            indirect[block, position] = restored - noisy
    return clean - noisy, indirect
