"""Takes 0 as the label of every row."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "labels/shifted"


def info_nce(images, texts, temperature):
    logits = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature
    labels = torch.zeros(len(logits), dtype=torch.long)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
