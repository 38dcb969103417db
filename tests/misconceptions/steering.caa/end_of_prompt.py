"""Reads where the prompt ends, in the joined text."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "vector/zero"


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    def read(prompt, completion):
        ids = tokenizer(prompt + completion, return_tensors="pt").input_ids
        end = len(tokenizer(prompt).input_ids)
        with record(model, [("block", layer)]) as activations:
            model(ids)
        return activations["block", layer][0, end - 1]

    differences = [
        read(prompt, positive) - read(prompt, negative) for prompt, positive, negative in pairs
    ]
    return torch.stack(differences).mean(dim=0)
