"""Pads on the left, without telling GPT-2 the positions."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "padding/positions-shifted"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    batch = tokenizer([positive, negative], return_tensors="pt", padding=True, padding_side="left")
    with record(model, [("block", layer)]) as activations:
        model(**batch)
    one, other = activations["block", layer][:, -1]
    return one - other
