"""The library's own generate: the same order of filters. It draws from the global state."""

import torch

RIGHT = True


def generate(
    model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, top_p=None, seed=0
):
    if max_new_tokens == 0:
        return ""
    inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        out = model.generate(
            **inputs,
            do_sample=True,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_k=top_k or 0,
            top_p=1.0 if top_p is None else top_p,
        )
    new = out[0, inputs.input_ids.shape[1] :]
    return tokenizer.decode(new, skip_special_tokens=True)
