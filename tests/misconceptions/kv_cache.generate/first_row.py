"""item() of the first row."""

import torch

MISCONCEPTION = "choice/first-row-for-all"


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    new = []
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits
        ids = logits[0, -1].argmax().view(1, 1).expand(len(ids), 1)
        new.append(ids)
    return torch.cat(new, dim=1)
