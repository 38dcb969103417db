"""A running mean."""

import torch

from course_utils.hooks import record

RIGHT = True


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    def read(text):
        ids = tokenizer(text, return_tensors="pt").input_ids
        with record(model, [("block", layer)]) as activations:
            model(ids)
        return activations["block", layer][0, -1]

    mean = 0
    for n, (prompt, positive, negative) in enumerate(pairs, start=1):
        mean = mean + (read(prompt + positive) - read(prompt + negative) - mean) / n
    return mean
