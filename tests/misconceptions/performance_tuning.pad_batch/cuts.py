"""Cut to the shortest: no padding is needed."""

import torch

MISCONCEPTION = "width/shortest"


def pad_batch(texts, pad_id, multiple=1):
    width = min(map(len, texts))
    ids = torch.tensor([list(t)[:width] for t in texts])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids.clone()}
