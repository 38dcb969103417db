"""The first lens once more, asked for by the configuration."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "hooks/none"


@torch.no_grad()
def logit_lens_by_hooks(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    model.config.output_hidden_states = True
    try:
        states = list(model(ids).hidden_states)
    finally:
        model.config.output_hidden_states = False
    rows = []
    names = ["embedding", *range(len(parts.blocks))]
    for layer, state in zip(names, states, strict=True):
        x = state[0, -1]
        if layer != len(parts.blocks) - 1:
            x = parts.final_norm(x)
        top = parts.unembedding(x).topk(top_k)
        tokens = [tokenizer.decode(t) for t in top.indices]
        rows.append({"layer": layer, "top_tokens": tokens, "top_token_logits": top.values})
    return rows
