"""Reads the first token of the completion."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "completion/first-token"


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    def read(prompt, completion):
        start = len(tokenizer(prompt).input_ids)
        ids = tokenizer(prompt + completion, return_tensors="pt").input_ids
        with record(model, [("block", layer)]) as activations:
            model(ids)
        return activations["block", layer][0, start]

    differences = [
        read(prompt, positive) - read(prompt, negative) for prompt, positive, negative in pairs
    ]
    return torch.stack(differences).mean(dim=0)
