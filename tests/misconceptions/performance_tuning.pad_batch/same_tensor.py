"""labels = ids makes no copy."""

import torch

MISCONCEPTION = "labels/same-tensor"


def pad_batch(texts, pad_id, multiple=1):
    width = -(-max(len(t) for t in texts) // multiple) * multiple
    ids = torch.tensor([t + [pad_id] * (width - len(t)) for t in texts])
    mask = torch.tensor([[1] * len(t) + [0] * (width - len(t)) for t in texts])
    labels = ids
    labels[mask == 0] = -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
