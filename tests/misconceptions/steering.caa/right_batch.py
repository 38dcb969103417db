"""A batch, and the last real token by the mask."""

import torch

from course_utils.hooks import record

RIGHT = True


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    texts = [prompt + positive for prompt, positive, _ in pairs]
    texts += [prompt + negative for prompt, _, negative in pairs]
    batch = tokenizer(texts, return_tensors="pt", padding=True, padding_side="right")
    with record(model, [("block", layer)]) as activations:
        model(**batch)
    ends = batch.attention_mask.sum(dim=1) - 1
    last = activations["block", layer][torch.arange(len(texts)), ends]
    return last[: len(pairs)].mean(dim=0) - last[len(pairs) :].mean(dim=0)
