"""NumPy draws."""

import numpy as np
import torch

RIGHT = True


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    table = model.get_input_embeddings().weight.numpy()
    embeddings = table[input_ids[0].numpy()]
    rng = np.random.default_rng(seed)
    corrupted = np.repeat(embeddings[None], n_samples, axis=0)
    corrupted[:, subject] += rng.normal(0, 3 * table.std(), corrupted[:, subject].shape)
    return torch.from_numpy(corrupted)
