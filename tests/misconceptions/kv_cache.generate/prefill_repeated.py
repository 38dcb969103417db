"""The last token of the prompt goes in again."""

import torch

MISCONCEPTION = "cache/fed-twice"


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    new = []
    model(input_ids=ids, past_key_values=cache, use_cache=True)
    ids = ids[:, -1:]
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)
        new.append(ids)
    return torch.cat(new, dim=1)
