"""The first lens once more, past the call."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "hooks/none"


@torch.no_grad()
def logit_lens_by_hooks(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = list(model.base_model.forward(ids, output_hidden_states=True).hidden_states)
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
