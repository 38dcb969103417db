"""A change that matters changes the most likely token."""

import torch

MISCONCEPTION = "conclusion/reversed"


@torch.no_grad()
def masking(model):
    mask = torch.ones(1, 1, 4, 4, dtype=model.dtype).tril()
    one = torch.tensor([[1, 2, 3, 4]])
    two = torch.tensor([[1, 2, 3, 5]])
    a = model(one, attention_mask=mask).logits[0, 0].argmax()
    b = model(two, attention_mask=mask).logits[0, 0].argmax()
    return "multiplicative" if a == b else "additive"
