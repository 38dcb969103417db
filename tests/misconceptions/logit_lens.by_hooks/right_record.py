"""The course's own context manager."""

import torch

from course_utils.anatomy import anatomy
from course_utils.hooks import record

RIGHT = True


@torch.no_grad()
def logit_lens_by_hooks(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    sites = [("block", i) for i in range(len(parts.blocks))]
    with record(model, sites) as seen:
        model(ids)
    states = torch.stack([parts.embed(ids)] + [seen[site] for site in sites])[:, 0, -1]
    values, indices = parts.unembed(states).topk(top_k)
    return [
        {
            "layer": "embedding" if i == 0 else i - 1,
            "top_tokens": [tokenizer.decode(t) for t in indices[i]],
            "top_token_logits": values[i].numpy(),
        }
        for i in range(len(states))
    ]
