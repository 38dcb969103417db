"""The last entry of hidden_states is taken for the last block's output."""

import torch

MISCONCEPTION = "layer/after-final-norm"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    def read(prompt):
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        hidden_states = model(ids, output_hidden_states=True).hidden_states
        return hidden_states[layer + 1][0, -1]

    return read(positive) - read(negative)
