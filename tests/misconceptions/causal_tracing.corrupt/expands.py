"""Samples by expand."""

import torch

MISCONCEPTION = "samples/shared-memory"


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    table = model.get_input_embeddings()
    embeddings = table(input_ids).expand(n_samples, -1, -1)
    generator = torch.Generator().manual_seed(seed)
    n, width = subject.stop - subject.start, embeddings.shape[-1]
    noise = torch.randn(n_samples, n, width, generator=generator)
    embeddings[:, subject] += 3 * table.weight.std() * noise
    return embeddings
