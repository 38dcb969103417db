"""All layers in one batch."""

import torch

from course_utils.anatomy import anatomy

RIGHT = True


@torch.no_grad()
def logit_lens(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    ids = tokenizer(text, return_tensors="pt").input_ids
    states = torch.stack(model(ids, output_hidden_states=True).hidden_states)[:, 0, -1]
    states = torch.cat([parts.final_norm(states[:-1]), states[-1:]])
    values, indices = parts.unembedding(states).double().sort(descending=True)
    layers = ["embedding", *range(len(states) - 1)]
    return [
        {
            "layer": layer,
            "top_tokens": [tokenizer.decode(int(i)) for i in row[:top_k]],
            "top_token_logits": value[:top_k].float(),
        }
        for layer, row, value in zip(layers, indices, values, strict=True)
    ]
