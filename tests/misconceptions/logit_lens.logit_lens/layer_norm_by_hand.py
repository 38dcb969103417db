"""Writes the final norm by hand, always as LayerNorm."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "norm/of-another-kind"


def layer_norm(x, norm):
    x = (x - x.mean()) / (x.var(unbiased=False) + 1e-6).sqrt()
    bias = getattr(norm, "bias", None)
    return x * norm.weight + (0 if bias is None else bias)


@torch.no_grad()
def logit_lens(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = model(ids, output_hidden_states=True).hidden_states
    rows = []
    for i, state in enumerate(states):
        vector = state[0, -1]
        if i < len(states) - 1:
            vector = layer_norm(vector, parts.final_norm)
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
