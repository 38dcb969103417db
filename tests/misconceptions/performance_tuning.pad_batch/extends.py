"""The lists themselves are made longer."""

import torch

MISCONCEPTION = "texts/changed"


def pad_batch(texts, pad_id, multiple=1):
    lengths = [len(t) for t in texts]
    width = -(-max(lengths) // multiple) * multiple
    for text in texts:
        text += [pad_id] * (width - len(text))
    ids = torch.tensor(texts)
    mask = torch.tensor([[1] * n + [0] * (width - n) for n in lengths])
    labels = ids.masked_fill(mask == 0, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
