"""Adds spaces to the text before it is cut into tokens."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "pad/text"


@torch.no_grad()
def actadd_edit(model, tokenizer, positive, negative, layer, strength):
    lengths = [len(tokenizer(prompt).input_ids) for prompt in (positive, negative)]
    read = []
    for prompt, length in zip((positive, negative), lengths, strict=True):
        text = prompt + " " * (max(lengths) - length)
        with record(model, [("block", layer)]) as activations:
            model(tokenizer(text, return_tensors="pt").input_ids)
        read.append(activations["block", layer][0])
    shorter = min(len(rows) for rows in read)
    one, other = (rows[:shorter] for rows in read)
    vector = strength * (one - other)

    def add(activation, positions):
        if positions[0] == 0 and len(positions) < len(vector):
            raise ValueError(f"{len(positions)} tokens, {len(vector)} rows")
        for i, position in enumerate(positions.tolist()):
            if position < len(vector):
                activation[:, i] += vector[position]
        return activation

    return add
