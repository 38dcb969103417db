"""The prompt goes in one by one."""

import torch

MISCONCEPTION = "efficiency/prefill-token-by-token"


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    new = []
    for i in range(ids.shape[1] - 1):
        model(input_ids=ids[:, i : i + 1], past_key_values=cache, use_cache=True)
    ids = ids[:, -1:]
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)
        new.append(ids)
    return torch.cat(new, dim=1)
