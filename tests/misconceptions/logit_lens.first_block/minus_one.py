"""-1 for none, as str.find does."""

import torch

MISCONCEPTION = "never/minus-one"


def first_leading_block(logits, answers):
    blocks = []
    for row in (logits.argmax(-1) == answers).T.tolist():
        found = -1
        for block in reversed(range(len(row))):
            if not row[block]:
                break
            found = block
        blocks.append(found)
    return torch.tensor(blocks)
