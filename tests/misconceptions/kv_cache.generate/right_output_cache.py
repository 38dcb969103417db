"""The cache comes back with the output."""

import torch

RIGHT = True


def generate(model, ids, max_new_tokens, cache):
    tokens = torch.zeros(len(ids), max_new_tokens, dtype=torch.long)
    with torch.no_grad():
        for i in range(max_new_tokens):
            output = model(input_ids=ids, past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            tokens[:, i] = output.logits[:, -1].max(dim=-1).indices
            ids = tokens[:, i : i + 1]
    return tokens
