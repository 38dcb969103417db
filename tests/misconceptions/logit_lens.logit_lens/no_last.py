"""Leaves the last entry out, because it is normed already."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "layers/last-missing"


@torch.no_grad()
def logit_lens(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = model(ids, output_hidden_states=True).hidden_states
    rows = []
    for i, state in enumerate(states[:-1]):
        values, indices = parts.unembedding(parts.final_norm(state[0, -1])).topk(top_k)
        tokens = [tokenizer.decode(t) for t in indices]
        layer = "embedding" if i == 0 else i - 1
        rows.append({"layer": layer, "top_tokens": tokens, "top_token_logits": values})
    return rows
