"""Lists first; a BatchEncoding of transformers."""

import torch
from transformers import BatchEncoding

RIGHT = True


def pad_batch(texts, pad_id, multiple=1):
    width = max(len(t) for t in texts)
    while width % multiple:
        width += 1
    fields = {
        "input_ids": [[*t, *[pad_id] * (width - len(t))] for t in texts],
        "attention_mask": [[1] * len(t) + [0] * (width - len(t)) for t in texts],
        "labels": [[*t, *[-100] * (width - len(t))] for t in texts],
    }
    return BatchEncoding({key: torch.tensor(rows) for key, rows in fields.items()})
