"""Leaves out the begin token."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "tokens/no-begin"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    def read(text):
        ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
        with record(model, [("block", layer)]) as activations:
            model(ids)
        return activations["block", layer][0, -1]

    return read(positive) - read(negative)
