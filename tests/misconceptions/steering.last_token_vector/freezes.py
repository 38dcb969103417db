"""Switches the parameters' gradients off, and leaves them off."""

from course_utils.hooks import record

MISCONCEPTION = "mutates/model"


def last_token_vector(model, tokenizer, positive, negative, layer):
    for parameter in model.parameters():
        parameter.requires_grad_(False)

    def read(text):
        with record(model, [("block", layer)]) as activations:
            model(**tokenizer(text, return_tensors="pt"))
        return activations["block", layer][0, -1]

    return read(positive) - read(negative)
