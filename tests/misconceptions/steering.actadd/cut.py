"""Cuts the longer prompt."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "align/cut"


@torch.no_grad()
def actadd_edit(model, tokenizer, positive, negative, layer, strength):
    ids = [tokenizer(prompt).input_ids for prompt in (positive, negative)]
    ids = [row[: min(map(len, ids))] for row in ids]
    with record(model, [("block", layer)]) as activations:
        model(torch.tensor(ids))
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
