"""Exactly one space between prompt and completion."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "completion/space"


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    def read(prompt, completion):
        ids = tokenizer(f"{prompt} {completion.strip()}", return_tensors="pt").input_ids
        with record(model, [("block", layer)]) as activations:
            model(ids)
        return activations["block", layer][0, -1]

    differences = [read(p, positive) - read(p, negative) for p, positive, negative in pairs]
    return torch.stack(differences).mean(dim=0)
