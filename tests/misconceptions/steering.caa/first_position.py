"""Reads the first token, which is the prompt's."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "vector/zero"


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    def read(text):
        ids = tokenizer(text, return_tensors="pt").input_ids
        with record(model, [("block", layer)]) as activations:
            model(ids)
        return activations["block", layer][0, 0]

    differences = [
        read(prompt + positive) - read(prompt + negative) for prompt, positive, negative in pairs
    ]
    return torch.stack(differences).mean(dim=0)
