"""The activation of the positive prompt is the vector."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "vector/one-text"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    def read(prompt):
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        with record(model, [("block", layer)]) as activations:
            model(ids)
        return activations["block", layer][0, -1]

    return read(positive)
