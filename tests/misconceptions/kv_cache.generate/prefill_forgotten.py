"""The prefill's token is fed, and not noted."""

import torch

MISCONCEPTION = "result/first-token-lost"


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    new = []
    logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits
    ids = logits[:, -1].argmax(dim=-1, keepdim=True)
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)
        new.append(ids)
    return torch.cat(new, dim=1)
