"""With a cache; each step counts its own positions."""

import torch

from course_utils.sampling import top_k_filter, top_p_filter

MISCONCEPTION = "context/positions-restart"


@torch.no_grad()
def generate(
    model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, top_p=None, seed=0
):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.tensor([tokenizer.encode(prompt)], device=model.device)
    past, new = None, []
    while len(new) < max_new_tokens:
        places = torch.arange(ids.shape[1])[None]
        out = model(input_ids=ids, position_ids=places, past_key_values=past, use_cache=True)
        past = out.past_key_values
        logits = out.logits[:, -1, :] / temperature
        if top_k:
            logits = top_k_filter(logits, top_k)
        if top_p:
            logits = top_p_filter(logits, top_p)
        ids = torch.multinomial(torch.softmax(logits, dim=-1), 1, generator=generator)
        if ids.item() == model.config.eos_token_id:
            break
        new.append(ids.item())
    return tokenizer.decode(new)
