"""Where the pad's id stands there is padding."""

import torch

MISCONCEPTION = "mask/by-id"


def pad_batch(texts, pad_id, multiple=1):
    width = -(-max(map(len, texts)) // multiple) * multiple
    ids = torch.tensor([list(t) + [pad_id] * (width - len(t)) for t in texts])
    mask = (ids != pad_id).long()
    labels = ids.masked_fill(mask == 0, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
