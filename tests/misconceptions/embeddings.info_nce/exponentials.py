"""Writes the softmax out."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "overflow/exp"


def info_nce(images, texts, temperature):
    likeness = (F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature).exp()
    rows = -torch.log(likeness.diagonal() / likeness.sum(1)).mean()
    columns = -torch.log(likeness.diagonal() / likeness.sum(0)).mean()
    return (rows + columns) / 2
