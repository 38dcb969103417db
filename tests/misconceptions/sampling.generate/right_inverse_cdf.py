"""One uniform number per token and the cumulative distribution."""

import numpy as np
import torch

from course_utils.sampling import softmax, top_k_filter, top_p_filter

RIGHT = True


def generate(
    model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, top_p=None, seed=0
):
    uniform = np.random.RandomState(seed)
    ids, new = tokenizer.encode(prompt, return_tensors="pt"), []
    while len(new) < max_new_tokens:
        scores = model(ids).logits[0, -1] / temperature
        scores = scores if top_k is None else top_k_filter(scores, top_k)
        scores = scores if top_p is None else top_p_filter(scores, top_p)
        mass = softmax(scores, 1.0).double().cumsum(-1)
        token = int((mass < uniform.rand()).sum().clamp(max=len(mass) - 1))
        if token == tokenizer.eos_token_id:
            break
        new.append(token)
        ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
    return tokenizer.decode(new)
