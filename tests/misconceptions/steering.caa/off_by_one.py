"""Reads at hidden_states[layer]."""

import torch

MISCONCEPTION = "layer/off-by-one"


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    def read(text):
        ids = tokenizer(text, return_tensors="pt").input_ids
        states = model(ids, output_hidden_states=True).hidden_states
        return states[layer][0, -1]

    differences = [
        read(prompt + positive) - read(prompt + negative) for prompt, positive, negative in pairs
    ]
    return torch.stack(differences).mean(dim=0)
