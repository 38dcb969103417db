"""Takes the temperature for CLIP's logarithm of a scale."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "temperature/exponential"


def info_nce(images, texts, temperature):
    scale = torch.tensor(temperature).exp()
    logits = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T * scale
    labels = torch.arange(len(logits))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
