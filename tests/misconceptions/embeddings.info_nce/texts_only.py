"""Only texts look for images."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "direction/texts-only"


def info_nce(images, texts, temperature):
    logits = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature
    labels = torch.arange(len(logits))
    return F.cross_entropy(logits.T, labels)
