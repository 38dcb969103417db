"""The last token is fed back too."""

import torch

MISCONCEPTION = "efficiency/extra-pass"


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    new = []
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)
        new.append(ids)
    model(input_ids=ids, past_key_values=cache, use_cache=True)
    return torch.cat(new, dim=1)
