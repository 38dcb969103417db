"""Zeros, whatever the pad id is."""

import torch
from torch.nn.utils.rnn import pad_sequence

MISCONCEPTION = "pad/another-id"


def pad_batch(texts, pad_id, multiple=1):
    width = -(-max(map(len, texts)) // multiple) * multiple
    ids = pad_sequence([torch.tensor(t) for t in texts], batch_first=True)
    ids = torch.nn.functional.pad(ids, (0, width - ids.shape[1]))
    mask = torch.arange(width) < torch.tensor([len(t) for t in texts])[:, None]
    labels = ids.masked_fill(~mask, -100)
    return {"input_ids": ids, "attention_mask": mask.long(), "labels": labels}
