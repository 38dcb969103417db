"""Both texts in one batch, compared everywhere but at the end."""

import torch

RIGHT = True


@torch.no_grad()
def masking(model):
    mask = torch.ones(1, 1, 5, 5).tril()
    ids = torch.tensor([[1, 2, 3, 4, 5], [1, 2, 3, 4, 6]])
    first, second = model(ids, attention_mask=mask.expand(2, 1, 5, 5)).logits[:, :-1]
    hidden = (first - second).abs().max() < 1e-4 * first.abs().max()
    return "multiplicative" if hidden else "additive"
