"""The cache, and all the ids."""

import torch

MISCONCEPTION = "cache/fed-twice"


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    start = ids.shape[1]
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits
        ids = torch.cat([ids, logits[:, -1].argmax(-1, keepdim=True)], dim=1)
    return ids[:, start:]
