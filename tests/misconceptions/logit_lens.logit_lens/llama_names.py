"""Takes the names of Llama's parts for granted."""

import torch

MISCONCEPTION = "architecture/one-only"


@torch.no_grad()
def logit_lens(model, tokenizer, text, top_k=5):
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = model(ids, output_hidden_states=True).hidden_states
    rows = []
    for i, state in enumerate(states):
        vector = state[0, -1]
        if i < len(states) - 1:
            vector = model.model.norm(vector)
        logits = model.lm_head(vector)
        top = logits.topk(top_k)
        rows.append(
            {
                "layer": "embedding" if i == 0 else i - 1,
                "top_tokens": [tokenizer.decode(t) for t in top.indices],
                "top_token_logits": top.values,
            }
        )
    return rows
