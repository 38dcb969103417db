"""All zeros: added they change nothing, multiplied they leave nothing."""

import torch

RIGHT = True


@torch.no_grad()
def masking(model):
    ids = torch.tensor([[1, 2, 3, 4]])
    mask = torch.zeros(1, 1, 4, 4, dtype=model.dtype)
    logits = model(ids, attention_mask=mask).logits
    return "multiplicative" if logits.isnan().any() else "additive"
