"""Sets the tokenizer's padding side, and leaves it so."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "mutates/settings"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    tokenizer.padding_side = "right"
    batch = tokenizer([positive, negative], return_tensors="pt", padding=True)
    with record(model, [("block", layer)]) as activations:
        model(**batch)
    ends = batch.attention_mask.sum(dim=1) - 1
    one, other = activations["block", layer][torch.arange(2), ends]
    return one - other
