"""hidden_states[layer] is taken for the output of block layer."""

import torch

MISCONCEPTION = "layer/off-by-one"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    def read(prompt):
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        hidden_states = model(ids, output_hidden_states=True).hidden_states
        return hidden_states[layer][0, -1]

    return read(positive) - read(negative)
