"""Reads at hidden_states[layer]."""

import torch

MISCONCEPTION = "layer/off-by-one"


@torch.no_grad()
def actadd_edit(model, tokenizer, positive, negative, layer, strength):
    space = tokenizer(" ", add_special_tokens=False).input_ids
    ids = [tokenizer(prompt).input_ids for prompt in (positive, negative)]
    length = max(len(row) for row in ids)
    ids = [row + space * (length - len(row)) for row in ids]
    states = model(torch.tensor(ids), output_hidden_states=True).hidden_states
    one, other = states[layer]
    vector = strength * (one - other)

    def add(activation, positions):
        if positions[0] == 0 and len(positions) < len(vector):
            raise ValueError(f"{len(positions)} tokens, {len(vector)} rows")
        for i, position in enumerate(positions.tolist()):
            if position < len(vector):
                activation[:, i] += vector[position]
        return activation

    return add
