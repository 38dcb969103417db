"""Adds a small number inside the logarithm."""

from torch.nn import functional as F

MISCONCEPTION = "overflow/clipped"


def info_nce(images, texts, temperature):
    logits = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature
    rows = -(logits.softmax(1).diagonal() + 1e-12).log().mean()
    columns = -(logits.softmax(0).diagonal() + 1e-12).log().mean()
    return (rows + columns) / 2
