"""To be sure that the last token is in."""

import torch

MISCONCEPTION = "span/one-too-far"


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    table = model.get_input_embeddings()
    embeddings = table(input_ids).repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    n, width = subject.stop - subject.start, embeddings.shape[-1]

    noise = torch.randn(n_samples, n + 1, width, generator=generator)
    embeddings[:, subject.start : subject.stop + 1] += 3 * table.weight.std() * noise
    return embeddings
