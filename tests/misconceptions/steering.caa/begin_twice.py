"""Each part gets a begin token."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "tokens/begin-twice"


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    def read(prompt, completion):
        ids = tokenizer(prompt).input_ids + tokenizer(completion).input_ids
        ids = torch.tensor([ids])
        with record(model, [("block", layer)]) as activations:
            model(ids)
        return activations["block", layer][0, -1]

    differences = [
        read(prompt, positive) - read(prompt, negative) for prompt, positive, negative in pairs
    ]
    return torch.stack(differences).mean(dim=0)
