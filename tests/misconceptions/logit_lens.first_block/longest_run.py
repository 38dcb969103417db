"""Where the longest run begins."""

import torch

MISCONCEPTION = "stays/longest-run"


def first_leading_block(logits, answers):
    blocks = []
    for row in (logits.argmax(-1) == answers).T.tolist():
        best, length, start = len(row), 0, None
        for i, lead in enumerate([*row, False]):
            if lead and start is None:
                start = i
            if not lead and start is not None:
                if i - start > length:
                    best, length = start, i - start
                start = None
        blocks.append(best)
    return torch.tensor(blocks)
