"""The part that the cache does not hold."""

import torch

RIGHT = True


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    start = ids.shape[1]
    for _ in range(max_new_tokens):
        new = ids[:, cache.get_seq_length() :]
        logits = model(input_ids=new, past_key_values=cache).logits
        ids = torch.cat([ids, logits[:, -1].argmax(-1, keepdim=True)], dim=1)
    return ids[:, start:]
