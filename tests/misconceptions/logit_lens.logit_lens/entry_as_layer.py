"""Takes hidden_states[i] for the output of block i."""

import torch

from course_utils.anatomy import anatomy

MISCONCEPTION = "layers/off-by-one"


@torch.no_grad()
def logit_lens(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = model(ids, output_hidden_states=True).hidden_states
    entries = [("embedding", states[0])]
    entries += [(i, states[i]) for i in range(len(parts.blocks))]
    rows = []
    for layer, state in entries:
        values, indices = parts.unembedding(parts.final_norm(state[0, -1])).topk(top_k)
        tokens = [tokenizer.decode(t) for t in indices]
        rows.append({"layer": layer, "top_tokens": tokens, "top_token_logits": values})
    return rows
