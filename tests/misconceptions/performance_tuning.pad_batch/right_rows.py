"""Row by row."""

import math

import torch

RIGHT = True


def pad_batch(texts, pad_id, multiple=1):
    width = math.ceil(max(len(t) for t in texts) / multiple) * multiple
    ids = torch.full((len(texts), width), pad_id, dtype=torch.long)
    mask = torch.zeros(len(texts), width, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for i, text in enumerate(texts):
        ids[i, : len(text)] = labels[i, : len(text)] = torch.tensor(text)
        mask[i, : len(text)] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
