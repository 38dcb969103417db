"""hidden_states[layer + 1], for the last block too."""

import torch

MISCONCEPTION = "layer/after-final-norm"


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    def read(text):
        ids = tokenizer(text, return_tensors="pt").input_ids
        states = model(ids, output_hidden_states=True).hidden_states
        return states[layer + 1][0, -1]

    differences = [
        read(prompt + positive) - read(prompt + negative) for prompt, positive, negative in pairs
    ]
    return torch.stack(differences).mean(dim=0)
