"""The prefill before the loop."""

import torch

RIGHT = True


@torch.no_grad()
def generate(model, ids, max_new_tokens, cache):
    logits = model(ids, past_key_values=cache).logits
    token = torch.argmax(logits[:, -1, :], dim=-1)[:, None]
    tokens = [token]
    while len(tokens) < max_new_tokens:
        logits = model(token, past_key_values=cache).logits
        token = torch.argmax(logits[:, -1, :], dim=-1)[:, None]
        tokens.append(token)
    return torch.hstack(tokens)
