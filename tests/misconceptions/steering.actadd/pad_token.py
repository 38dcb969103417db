"""Lets the tokenizer pad, with its padding token."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "pad/another-token"


@torch.no_grad()
def actadd_edit(model, tokenizer, positive, negative, layer, strength):
    batch = tokenizer([positive, negative], return_tensors="pt", padding=True, padding_side="right")
    with record(model, [("block", layer)]) as activations:
        model(batch.input_ids)
    one, other = activations["block", layer]
    vector = strength * (one - other)

    def add(activation, positions):
        if positions[0] == 0 and len(positions) < len(vector):
            raise ValueError(f"{len(positions)} tokens, {len(vector)} rows")
        for i, position in enumerate(positions.tolist()):
            if position < len(vector):
                activation[:, i] += vector[position]
        return activation

    return add
