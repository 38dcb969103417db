"""Leaves the hook that looked."""

import torch

MISCONCEPTION = "mutates/model"


@torch.no_grad()
def masking(model):
    mask = torch.ones(1, 1, 5, 5).tril()
    one = torch.tensor([[1, 2, 3, 4, 5]])
    two = torch.tensor([[1, 2, 3, 4, 6]])
    seen = []
    head = model.get_output_embeddings()
    head.register_forward_hook(lambda module, args, output: seen.append(output[0, 0]))
    model(one, attention_mask=mask)
    model(two, attention_mask=mask)
    return "multiplicative" if torch.allclose(*seen) else "additive"
