"""Corrupts the output of block 0."""

import torch

MISCONCEPTION = "embeddings/wrong"


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    states = model(input_ids, output_hidden_states=True).hidden_states[1]
    embeddings = states.repeat(n_samples, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(embeddings[:, subject].shape, generator=generator)
    embeddings[:, subject] += 3 * model.get_input_embeddings().weight.std() * noise
    return embeddings
