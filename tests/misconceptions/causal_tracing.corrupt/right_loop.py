"""Sample by sample, one generator for all."""

import torch

RIGHT = True


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    table = model.get_input_embeddings()
    embeddings = table(input_ids).repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    width = embeddings.shape[-1]

    samples = []
    for _ in range(n_samples):
        sample = table(input_ids)[0].clone()
        for position in range(subject.start, subject.stop):
            sample[position] += 3 * table.weight.std() * torch.randn(width, generator=generator)
        samples.append(sample)
    return torch.stack(samples)
