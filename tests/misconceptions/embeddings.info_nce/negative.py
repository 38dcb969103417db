"""Forgets the minus of the log-likelihood."""

from torch.nn import functional as F

MISCONCEPTION = "sign/negative"


def info_nce(images, texts, temperature):
    logits = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature
    rows = logits.log_softmax(1).diagonal().mean()
    return (rows + logits.log_softmax(0).diagonal().mean()) / 2
