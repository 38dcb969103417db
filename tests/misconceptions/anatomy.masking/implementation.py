"""The run is for show: what is known of transformers' own attention decides."""

import torch

MISCONCEPTION = "conclusion/reversed"


@torch.no_grad()
def masking(model):
    mask = torch.ones(1, 1, 4, 4).tril()
    for last in (4, 5):
        model(torch.tensor([[1, 2, 3, last]]), attention_mask=mask)
    known = {"eager", "sdpa", "flash_attention_2", "flex_attention"}
    return "additive" if model.config._attn_implementation in known else "multiplicative"
