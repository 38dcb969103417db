"""The smallest probability in the set is the threshold."""

import torch

MISCONCEPTION = "ties/keeps-all-tied"


def top_p_filter(logits, p):
    if p == 1:
        return logits.clone()
    probabilities = torch.softmax(logits, dim=-1)
    ordered = probabilities.sort(dim=-1, descending=True).values
    count = (ordered.cumsum(dim=-1) < p).sum(dim=-1, keepdim=True)
    threshold = ordered.gather(-1, count)
    return logits.masked_fill(probabilities < threshold, float("-inf"))
