"""What is missing to the next multiple, also where nothing is."""

import torch

MISCONCEPTION = "width/one-multiple-more"


def pad_batch(texts, pad_id, multiple=1):
    longest = max(map(len, texts))
    width = longest + multiple - longest % multiple if multiple > 1 else longest
    ids = torch.tensor([list(t) + [pad_id] * (width - len(t)) for t in texts])
    mask = torch.tensor([[1] * len(t) + [0] * (width - len(t)) for t in texts])
    labels = ids.masked_fill(mask == 0, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
