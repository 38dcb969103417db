"""Both prompts in a batch; [-1] reads the padding of the shorter one."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "padding/read-as-last"


@torch.no_grad()
def last_token_vector(model, tokenizer, positive, negative, layer):
    batch = tokenizer([positive, negative], return_tensors="pt", padding=True, padding_side="right")
    with record(model, [("block", layer)]) as activations:
        model(**batch)
    one, other = activations["block", layer][:, -1]
    return one - other
