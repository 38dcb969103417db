"""Reads at the first token."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "position/first"


@torch.no_grad()
def logit_lens(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = model(ids, output_hidden_states=True).hidden_states
    rows = []
    for i, state in enumerate(states):
        vector = state[0, 0]
        if i < len(states) - 1:
            vector = parts.final_norm(vector)
        logits = parts.unembedding(vector)
        top = logits.topk(top_k)
        rows.append(
            {
                "layer": "embedding" if i == 0 else i - 1,
                "top_tokens": [tokenizer.decode(t) for t in top.indices],
                "top_token_logits": top.values,
            }
        )
    return rows
