"""As wide as the model's window."""

import torch

MISCONCEPTION = "width/fixed"


def pad_batch(texts, pad_id, multiple=1):
    width = 128
    ids = torch.tensor([list(t) + [pad_id] * (width - len(t)) for t in texts])
    mask = torch.tensor([[1] * len(t) + [0] * (width - len(t)) for t in texts])
    labels = ids.masked_fill(mask == 0, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
