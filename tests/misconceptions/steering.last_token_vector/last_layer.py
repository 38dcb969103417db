"""Always the last hidden state, whatever layer is asked for."""

import torch

MISCONCEPTION = "layer/another"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    def read(prompt):
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        hidden_states = model(ids, output_hidden_states=True).hidden_states
        return hidden_states[-1][0, -1]

    return read(positive) - read(negative)
