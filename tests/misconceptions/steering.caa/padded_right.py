"""All texts in a batch; [-1] reads the padding."""

import torch

from course_utils.hooks import record

MISCONCEPTION = "padding/read-as-last"


@torch.no_grad()
def caa_vector(model, tokenizer, pairs, layer):
    texts = [prompt + positive for prompt, positive, _ in pairs]
    texts += [prompt + negative for prompt, _, negative in pairs]
    batch = tokenizer(texts, return_tensors="pt", padding=True, padding_side="right")
    with record(model, [("block", layer)]) as activations:
        model(**batch)
    last = activations["block", layer][:, -1]
    return last[: len(pairs)].mean(dim=0) - last[len(pairs) :].mean(dim=0)
