"""The last entries of argsort, which begins with the smallest."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "order/ascending"


@torch.no_grad()
def logit_lens(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = model(ids, output_hidden_states=True).hidden_states
    rows = []
    for i, state in enumerate(states):
        vector = state[0, -1]
        if i < len(states) - 1:
            vector = parts.final_norm(vector)
        logits = parts.unembedding(vector)
        indices = logits.argsort()[-top_k:]
        rows.append(
            {
                "layer": "embedding" if i == 0 else i - 1,
                "top_tokens": [tokenizer.decode(t) for t in indices],
                "top_token_logits": logits[indices],
            }
        )
    return rows
