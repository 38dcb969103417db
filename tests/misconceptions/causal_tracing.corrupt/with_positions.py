"""What enters block 0."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "embeddings/positions-added"


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    parts = anatomy(model)
    embeddings = parts.embed(input_ids).repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(embeddings[:, subject].shape, generator=generator)
    embeddings[:, subject] += 3 * parts.embedding.weight.std() * noise
    return embeddings
