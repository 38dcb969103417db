"""The last row is the model's own logits; the others go through unembed."""

import torch

from course_utils.anatomy import anatomy

RIGHT = True


def logit_lens(model, tokenizer, text, top_k=5):
    parts = anatomy(model)
    inputs = tokenizer(text, return_tensors="pt")
    with torch.inference_mode():
        output = model(**inputs, output_hidden_states=True)
        logits = [parts.unembed(h[0, -1]) for h in output.hidden_states[:-1]]
        logits.append(output.logits[0, -1])
    names = ["embedding"] + list(range(len(parts.blocks)))
    rows = []
    for name, z in zip(names, logits, strict=True):
        values, ids = torch.topk(z, top_k)
        rows.append(
            dict(
                layer=name,
                top_tokens=[tokenizer.decode([i]) for i in ids.tolist()],
                top_token_logits=[v for v in values],
            )
        )
    return rows
