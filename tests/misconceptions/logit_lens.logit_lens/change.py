"""Reads what each block adds."""

import torch

from course_utils.anatomy import anatomy
from course_utils.hooks import record

MISCONCEPTION = "states/change-alone"


@torch.no_grad()
def logit_lens(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = model(ids, output_hidden_states=True).hidden_states
    with record(model, [("block", i) for i in range(len(parts.blocks))]) as seen:
        model(ids)
    outputs = [states[0]] + [seen["block", i] for i in range(len(parts.blocks))]
    rows = []
    for i, state in enumerate(outputs):
        x = state if i == 0 else state - outputs[i - 1]
        values, indices = parts.unembed(x[0, -1]).topk(top_k)
        tokens = [tokenizer.decode(t) for t in indices]
        layer = "embedding" if i == 0 else i - 1
        rows.append({"layer": layer, "top_tokens": tokens, "top_token_logits": values})
    return rows
