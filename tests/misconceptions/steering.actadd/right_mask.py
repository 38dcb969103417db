"""A mask over positions."""

import torch

from course_utils.hooks import record

RIGHT = True


@torch.no_grad()
def actadd_edit(model, tokenizer, positive, negative, layer, strength):
    space = tokenizer(" ", add_special_tokens=False).input_ids
    ids = [tokenizer(prompt).input_ids for prompt in (positive, negative)]
    length = max(len(row) for row in ids)
    ids = [row + space * (length - len(row)) for row in ids]
    with record(model, [("block", layer)]) as activations:
        model(torch.tensor(ids))
    one, other = activations["block", layer]
    vector = strength * (one - other)

    def add(activation, positions):
        if positions[0] == 0 and len(positions) < len(vector):
            raise ValueError(f"{len(positions)} tokens, {len(vector)} rows")
        inside = positions < len(vector)
        rows = vector[positions.clamp(max=len(vector) - 1)]
        return activation + torch.where(inside[:, None], rows, 0.0)

    return add
