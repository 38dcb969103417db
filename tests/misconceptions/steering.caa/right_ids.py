"""Prompt and completion cut into tokens apart, the ids joined."""

import torch

from course_utils.hooks import record

RIGHT = True


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    def read(prompt, completion):
        ids = tokenizer(prompt).input_ids
        ids = torch.tensor([ids + tokenizer(completion, add_special_tokens=False).input_ids])
        with record(model, [("block", layer)]) as activations:
            model(ids)
        return activations["block", layer][0, -1]

    differences = [
        read(prompt, positive) - read(prompt, negative) for prompt, positive, negative in pairs
    ]
    return torch.stack(differences).mean(dim=0)
