"""The Gumbel trick instead of multinomial."""

import torch

from course_utils.sampling import top_k_filter, top_p_filter

RIGHT = True


def generate(
    model, tokenizer, prompt, max_new_tokens, temperature=1.0, top_k=None, top_p=None, seed=0
):
    generator = torch.Generator(device=model.device).manual_seed(seed)
    batch = tokenizer(prompt, return_tensors="pt")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    end, new = tokenizer.convert_tokens_to_ids(tokenizer.eos_token), []
    for _ in range(max_new_tokens):
        scores = model(input_ids=ids, attention_mask=mask).logits[:, -1].float() / temperature
        scores = scores if top_k is None else top_k_filter(scores, top_k)
        scores = scores if top_p is None else top_p_filter(scores, top_p)
        noise = torch.rand(scores.shape, generator=generator, dtype=torch.float64)
        token = (scores - (-noise.log()).log()).argmax(dim=-1, keepdim=True)
        if token == end:
            break
        new.append(token.item())
        ids = torch.cat([ids, token], dim=-1)
        mask = torch.cat([mask, torch.ones_like(token)], dim=-1)
    return tokenizer.decode(new)
