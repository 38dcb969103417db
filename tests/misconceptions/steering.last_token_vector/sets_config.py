"""Sets output_hidden_states in the model's config, and leaves it so."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "mutates/settings"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    model.config.output_hidden_states = True

    def read(text):
        with record(model, [("block", layer)]) as activations:
            model(**tokenizer(text, return_tensors="pt"))
        return activations["block", layer][0, -1]

    return read(positive) - read(negative)
