"""Forgets that the embedding is a row too."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "layers/embedding-missing"


@torch.no_grad()
def logit_lens(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = model(ids, output_hidden_states=True).hidden_states
    rows = []
    n = len(parts.blocks)
    for i in range(n):
        x = states[i + 1][:, -1]
        if i < n - 1:
            x = parts.final_norm(x)
        values, indices = parts.unembedding(x)[0].topk(top_k)
        tokens = [tokenizer.decode(t) for t in indices]
        rows.append({"layer": i, "top_tokens": tokens, "top_token_logits": values})
    return rows
