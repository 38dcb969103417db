"""The new token without the cache."""

import torch

MISCONCEPTION = "cache/prompt-lost"


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    new = []
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids).logits
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)
        new.append(ids)
    return torch.cat(new, dim=1)
