"""Noise on all embeddings."""

import torch

MISCONCEPTION = "span/everywhere"


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    table = model.get_input_embeddings()
    embeddings = table(input_ids).repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)

    noise = torch.randn(embeddings.shape, generator=generator)
    return embeddings + 3 * table.weight.std() * noise
