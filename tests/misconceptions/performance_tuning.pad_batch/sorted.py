"""The longest first, as packing of sequences wants it."""

import torch

MISCONCEPTION = "order/changed"


def pad_batch(texts, pad_id, multiple=1):
    texts = sorted(texts, key=len, reverse=True)
    width = -(-len(texts[0]) // multiple) * multiple
    ids = torch.tensor([list(t) + [pad_id] * (width - len(t)) for t in texts])
    mask = torch.tensor([[1] * len(t) + [0] * (width - len(t)) for t in texts])
    labels = ids.masked_fill(mask == 0, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
