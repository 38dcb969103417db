"""torch.manual_seed, and torch.normal with a standard deviation."""

import torch

RIGHT = True


@torch.no_grad()
def corrupt(model, input_ids, subject, n_samples, seed):
    torch.manual_seed(seed)
    weight = model.get_input_embeddings().weight
    clean = weight[input_ids].expand(n_samples, -1, -1).clone()
    clean[:, subject] += torch.normal(0.0, float(weight.std()) * 3, clean[:, subject].shape)
    return clean
