"""The mask by the lengths, the labels by the id."""

import torch

MISCONCEPTION = "labels/by-id"


def pad_batch(texts, pad_id, multiple=1):
    width = -(-max(map(len, texts)) // multiple) * multiple
    ids = torch.tensor([list(t) + [pad_id] * (width - len(t)) for t in texts])
    mask = torch.tensor([[1] * len(t) + [0] * (width - len(t)) for t in texts])
    labels = ids.clone()
    labels[labels == pad_id] = -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
