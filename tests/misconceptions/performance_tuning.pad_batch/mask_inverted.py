"""1 is what is masked."""

import torch

MISCONCEPTION = "mask/inverted"


def pad_batch(texts, pad_id, multiple=1):
    width = -(-max(map(len, texts)) // multiple) * multiple
    ids = torch.tensor([list(t) + [pad_id] * (width - len(t)) for t in texts])
    mask = torch.tensor([[0] * len(t) + [1] * (width - len(t)) for t in texts])
    labels = ids.masked_fill(mask == 1, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
