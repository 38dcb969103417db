"""The embedding as Qwen calls it."""

import torch

MISCONCEPTION = "architecture/one-name"


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    table = model.model.embed_tokens
    embeddings = table(input_ids).repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    n, width = subject.stop - subject.start, embeddings.shape[-1]
    noise = torch.randn(n_samples, n, width, generator=generator)
    embeddings[:, subject] += 3 * table.weight.std() * noise
    return embeddings
