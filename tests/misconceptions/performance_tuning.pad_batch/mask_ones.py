"""The mask hides nothing: the labels take care."""

import torch

MISCONCEPTION = "mask/all-ones"


def pad_batch(texts, pad_id, multiple=1):
    width = -(-max(map(len, texts)) // multiple) * multiple
    ids = torch.tensor([list(t) + [pad_id] * (width - len(t)) for t in texts])
    labels = torch.tensor([list(t) + [-100] * (width - len(t)) for t in texts])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
