"""One number for each token."""

import torch

MISCONCEPTION = "noise/one-number-per-token"


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    table = model.get_input_embeddings()
    embeddings = table(input_ids).repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    n = subject.stop - subject.start
    noise = torch.randn(n_samples, n, 1, generator=generator)
    embeddings[:, subject] += 3 * table.weight.std() * noise
    return embeddings
