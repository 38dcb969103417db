"""Takes dot products."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "vectors/not-normalized"


def info_nce(images, texts, temperature):
    logits = images @ texts.T / temperature
    labels = torch.arange(len(logits))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
