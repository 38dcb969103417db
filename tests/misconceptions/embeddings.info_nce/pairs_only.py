"""Pulls the pairs together and pushes nothing apart."""

from torch.nn import functional as F

MISCONCEPTION = "loss/pairs-only"


def info_nce(images, texts, temperature):
    logits = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature
    return -logits.diagonal().mean()
