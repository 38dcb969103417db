"""Decode all, and cut the prompt's text off; top-k before the temperature, which is the same."""

import random

import torch

from course_utils.sampling import softmax, top_k_filter, top_p_filter

RIGHT = True


def generate(
    model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, top_p=None, seed=0
):
    dice = random.Random(seed)
    ids = tokenizer(prompt)["input_ids"]
    for _ in range(max_new_tokens):
        logits = model(input_ids=torch.tensor([ids])).logits[0][-1]
        if top_k is not None:
            logits = top_k_filter(logits, top_k)
        logits = logits / temperature
        if top_p is not None:
            logits = top_p_filter(logits, top_p)
        weights = softmax(logits, 1.0).tolist()
        token = dice.choices(range(len(weights)), weights=weights)[0]
        if token == tokenizer.eos_token_id:
            return tokenizer.decode(ids)[len(prompt) :]
        ids = ids + [token]
    return tokenizer.decode(ids)[len(prompt) :]
