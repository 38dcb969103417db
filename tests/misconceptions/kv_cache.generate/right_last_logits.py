"""Logits of the last position only, by topk."""

import torch

RIGHT = True


@torch.inference_mode()
def generate(model, ids, max_new_tokens, cache):
    text, start = ids, ids.shape[1]
    while text.shape[1] < start + max_new_tokens:
        out = model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        ids = out.logits[:, 0].topk(1).indices
        text = torch.cat([text, ids], dim=-1)
    return text[:, start:]
