"""The end token ends it."""

import torch

MISCONCEPTION = "result/stops-early"


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    new = []
    for _ in range(max_new_tokens):
        logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)
        new.append(ids)
        if (ids == model.config.eos_token_id).all():
            break
    return torch.cat(new, dim=1)
