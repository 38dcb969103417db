"""The cache that the model makes."""

import torch

MISCONCEPTION = "cache/not-the-given-one"


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    new, past = [], None
    for _ in range(max_new_tokens):
        out = model(input_ids=ids, past_key_values=past, use_cache=True)
        logits, past = out.logits, out.past_key_values
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)
        new.append(ids)
    return torch.cat(new, dim=1)
