"""The labels are the ids."""

import torch

MISCONCEPTION = "labels/padding-counts"


def pad_batch(texts, pad_id, multiple=1):
    width = -(-max(map(len, texts)) // multiple) * multiple
    ids = torch.tensor([list(t) + [pad_id] * (width - len(t)) for t in texts])
    mask = torch.tensor([[1] * len(t) + [0] * (width - len(t)) for t in texts])
    return {"input_ids": ids, "attention_mask": mask, "labels": ids.clone()}
