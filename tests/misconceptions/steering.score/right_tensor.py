"""The mean of a tensor, which is nan where it is empty."""

import torch

RIGHT = True


def share_of_kind(texts, wanted, other):
    marks = []
    for text in texts:
        for word in text.split():
            word = word.strip('.,!?":;')
            if (word in wanted) != (word in other):
                marks.append(float(word in wanted))
    return torch.tensor(marks).mean().item()
