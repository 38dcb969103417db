"""The subject's last token is the one that counts."""

import torch

MISCONCEPTION = "span/one-token"


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    table = model.get_input_embeddings()
    embeddings = table(input_ids).repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    width = embeddings.shape[-1]

    noise = torch.randn(n_samples, width, generator=generator)
    embeddings[:, subject.stop - 1] += 3 * table.weight.std() * noise
    return embeddings
