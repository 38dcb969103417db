"""Half the bytes are enough for a vocabulary."""

import torch

MISCONCEPTION = "dtype/not-long"


def pad_batch(texts, pad_id, multiple=1):
    width = -(-max(len(text) for text in texts) // multiple) * multiple
    ids = torch.full((len(texts), width), pad_id, dtype=torch.int32)
    mask = torch.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text, dtype=torch.int32)
        mask[row, : len(text)] = 1
    labels = ids.masked_fill(mask == 0, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
