"""Block 0 is the embedding."""

import torch

from course_utils.tracing import restore

MISCONCEPTION = "shape/embedding-row"


@torch.no_grad()
def effects(model, input_ids, corrupted, answer):
    clean = model(input_ids).logits[0, -1].softmax(-1)[answer]
    noisy = model(inputs_embeds=corrupted).logits[:, -1].softmax(-1)[:, answer].mean()
    n_blocks, n_positions = model.config.num_hidden_layers, input_ids.shape[1]
    embeddings = model.get_input_embeddings()(input_ids)
    indirect = torch.zeros(n_blocks + 1, n_positions, dtype=clean.dtype)
    for position in range(n_positions):
        restored = corrupted.clone()
        restored[:, position] = embeddings[0, position]
        logits = model(inputs_embeds=restored).logits
        indirect[0, position] = logits[:, -1].softmax(-1)[:, answer].mean() - noisy
        for block in range(n_blocks):
            restored = restore(model, input_ids, corrupted, block, position, answer)
            indirect[block + 1, position] = restored - noisy
    return clean - noisy, indirect
