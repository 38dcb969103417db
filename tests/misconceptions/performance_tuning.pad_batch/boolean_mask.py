"""A boolean mask."""

import torch
from torch.nn.utils.rnn import pad_sequence

MISCONCEPTION = "dtype/not-long"


def pad_batch(texts, pad_id, multiple=1):
    rows = [torch.tensor(t) for t in texts]
    longest = max(len(row) for row in rows)
    rows.append(torch.zeros(longest + (-longest) % multiple, dtype=torch.long))
    ids = pad_sequence(rows, batch_first=True, padding_value=pad_id)[:-1]
    labels = pad_sequence(rows, batch_first=True, padding_value=-100)[:-1]
    return {"labels": labels, "attention_mask": labels != -100, "input_ids": ids}
