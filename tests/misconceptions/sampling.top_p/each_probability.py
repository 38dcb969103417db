"""Keep the tokens that are likelier than 1 - p."""

import torch

MISCONCEPTION = "meaning/probability-of-each-token"


def top_p_filter(logits, p):
    probabilities = torch.softmax(logits, dim=-1)
    return logits.masked_fill(probabilities < 1 - p, float("-inf"))
