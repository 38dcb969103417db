"""Noise everywhere, times a mask."""

import torch

RIGHT = True


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    table = model.get_input_embeddings()
    embeddings = table(input_ids).repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)

    noise = torch.randn(embeddings.shape, generator=generator, dtype=embeddings.dtype)
    mask = torch.zeros(embeddings.shape[1], 1)
    mask[subject] = 1
    return embeddings + 3 * table.weight.std() * noise * mask
