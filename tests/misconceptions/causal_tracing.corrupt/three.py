"""The noise has a standard deviation of 3."""

import torch

MISCONCEPTION = "scale/no-std"


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    table = model.get_input_embeddings()
    embeddings = table(input_ids).repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    n, width = subject.stop - subject.start, embeddings.shape[-1]
    noise = torch.randn(n_samples, n, width, generator=generator)
    embeddings[:, subject] += 3 * noise
    return embeddings
