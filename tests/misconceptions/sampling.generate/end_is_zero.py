"""The end token is number 0."""

import torch

from course_utils.sampling import softmax, top_k_filter, top_p_filter

MISCONCEPTION = "stop/ignores-end-token"


def generate(
    model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, top_p=None, seed=0
):
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    start = ids.shape[1]
    generator = torch.Generator().manual_seed(seed)
    for _ in range(max_new_tokens):
        logits = model(ids).logits[0, -1] / temperature
        if top_k is not None:
            logits = top_k_filter(logits, top_k)
        if top_p is not None:
            logits = top_p_filter(logits, top_p)
        token = torch.multinomial(softmax(logits, 1.0), 1, generator=generator)
        if token.item() == 0:
            break
        ids = torch.cat([ids, token[None]], dim=1)
    return tokenizer.decode(ids[0, start:])
