"""The last block that does not lead."""

import torch

MISCONCEPTION = "index/off-by-one"


def first_leading_block(logits, answers):
    blocks = []
    for row in (logits.argmax(-1) == answers).T.tolist():
        wrong = [i for i, lead in enumerate(row) if not lead]
        blocks.append(wrong[-1] if wrong else 0)
    return torch.tensor(blocks)
