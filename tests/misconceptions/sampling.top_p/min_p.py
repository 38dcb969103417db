"""Keep what is at least p times as likely as the best."""

import torch

MISCONCEPTION = "meaning/min-p"


def top_p_filter(logits, p):
    probabilities = torch.softmax(logits, dim=-1)
    largest = probabilities.max(dim=-1, keepdim=True).values
    return logits.masked_fill(probabilities < p * largest, float("-inf"))
