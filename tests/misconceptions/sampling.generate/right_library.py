"""The library's own generate: the same order of filters."""

import torch

RIGHT = True


def generate(
    model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, top_p=None, seed=0
):
    torch.manual_seed(seed)
    inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
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
