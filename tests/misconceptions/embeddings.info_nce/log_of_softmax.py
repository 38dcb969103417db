"""Takes the logarithm of a probability that may be 0."""

from torch.nn import functional as F

MISCONCEPTION = "overflow/exp"


def info_nce(images, texts, temperature):
    logits = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature
    rows = -logits.softmax(1).diagonal().log().mean()
    columns = -logits.softmax(0).diagonal().log().mean()
    return (rows + columns) / 2
