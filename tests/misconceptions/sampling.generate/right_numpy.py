"""NumPy draws; the end token is appended and left out of the text."""

import numpy as np
import torch

from course_utils.sampling import top_k_filter, top_p_filter

RIGHT = True


def generate(
    model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, top_p=None, seed=0
):
    random = np.random.default_rng(seed)
    ids = tokenizer.encode(prompt)
    length = len(ids)
    for _ in range(max_new_tokens):
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1].double() / temperature
        logits = logits if top_k is None else top_k_filter(logits, top_k)
        logits = logits if top_p is None else top_p_filter(logits, top_p)
        probabilities = logits.softmax(-1).numpy()
        ids.append(int(random.choice(len(probabilities), p=probabilities / probabilities.sum())))
        if ids[-1] == tokenizer.eos_token_id:
            ids.pop()
            break
    return tokenizer.decode(ids[length:])
