"""A multiplied mask may be scaled: the weights are divided by their sum."""

import torch

RIGHT = True


@torch.no_grad()
def masking(model):
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    mask = torch.ones(1, 1, 5, 5, dtype=model.dtype).tril()
    one, nine = (model(ids, attention_mask=scale * mask).logits for scale in (1, 9))
    return "multiplicative" if torch.allclose(one, nine, atol=1e-4) else "additive"
