"""Padding in front, as for generation."""

import torch

MISCONCEPTION = "pad/left"


def pad_batch(texts, pad_id, multiple=1):
    width = -(-max(map(len, texts)) // multiple) * multiple
    ids = torch.tensor([[pad_id] * (width - len(t)) + list(t) for t in texts])
    mask = torch.tensor([[0] * (width - len(t)) + [1] * len(t) for t in texts])
    labels = ids.masked_fill(mask == 0, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
