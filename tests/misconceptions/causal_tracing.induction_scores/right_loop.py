"""Four loops."""

import torch

RIGHT = True


def induction_scores(patterns):
    blocks, batch, heads, total, _ = patterns.shape
    n = total // 2
    scores = torch.zeros(blocks, heads)
    for block in range(blocks):
        for head in range(heads):
            weights = [
                patterns[block, row, head, q, q - n + 1].item()
                for row in range(batch)
                for q in range(n, total)
            ]
            scores[block, head] = sum(weights) / len(weights)
    return scores
