"""A table of floats, and a float."""

import torch

from course_utils.tracing import restore

RIGHT = True


@torch.no_grad()
def effects(model, input_ids, corrupted, answer):
    clean = model(input_ids).logits[0, -1].softmax(-1)[answer]
    noisy = model(inputs_embeds=corrupted).logits[:, -1].softmax(-1)[:, answer].mean()
    n_blocks, n_positions = model.config.num_hidden_layers, input_ids.shape[1]
    indirect = [
        [
            float(restore(model, input_ids, corrupted, b, p, answer) - noisy)
            for p in range(n_positions)
        ]
        for b in range(n_blocks)
    ]
    return float(clean - noisy), torch.tensor(indirect, dtype=torch.float64)
