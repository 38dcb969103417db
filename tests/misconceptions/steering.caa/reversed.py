"""Negative minus positive."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "sign/reversed"


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    def read(text):
        ids = tokenizer(text, return_tensors="pt").input_ids
        with record(model, [("block", layer)]) as activations:
            model(ids)
        return activations["block", layer][0, -1]

    differences = [
        read(prompt + negative) - read(prompt + positive) for prompt, positive, negative in pairs
    ]
    return torch.stack(differences).mean(dim=0)
