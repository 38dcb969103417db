"""A batch, and the last real token by the attention mask."""

import torch

from course_utils.hooks import record

RIGHT = True


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    batch = tokenizer([positive, negative], return_tensors="pt", padding=True, padding_side="right")
    with record(model, [("block", layer)]) as activations:
        model(**batch)
    last = batch.attention_mask.sum(dim=1) - 1
    one, other = activations["block", layer][[0, 1], last]
    return one - other
