"""How alike are two vectors, and which are the nearest: distances, pooling, search, recall.

Sources: InfoNCE, van den Oord et al., "Representation Learning with Contrastive Predictive Coding"
(2018), in both directions as in Radford et al., "Learning Transferable Visual Models From Natural
Language Supervision" (2021), figure 3; IVF, Sivic and Zisserman, "Video Google" (2003).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F


def distances(
    a: Float[Tensor, "n width"], b: Float[Tensor, "m width"]
) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m"], Float[Tensor, "n m"]]:
    """Euclidean distance, dot product and cosine distance of each row of a and each of b.

    The cosine distance is 1 - cos, from 0 to 2; that of a vector of zeros is 1.
    """
    cosine = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
    return (a[:, None] - b).norm(dim=2), a @ b.T, 1 - cosine


def mean_pooling(
    states: Float[Tensor, "batch pos width"], mask: Int[Tensor, "batch pos"]
) -> Float[Tensor, "batch width"]:
    """The mean of the tokens' states where the mask is not 0; zeros for a row without tokens."""
    weights = mask.to(states.dtype)[..., None]  # [batch, pos, 1]
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


class ExactSearch:
    """The rows of greatest cosine similarity, by one matrix that is normalized once."""

    def __init__(self, vectors: Float[Tensor, "n width"]):
        self.unit = F.normalize(vectors, dim=1)

    def search(
        self, queries: Float[Tensor, "q width"], k: int
    ) -> tuple[Float[Tensor, "q k"], Int[Tensor, "q k"]]:
        """Similarities and row numbers, the most similar first; all rows if there are fewer."""
        scores = F.normalize(queries, dim=1) @ self.unit.T
        return tuple(scores.topk(min(k, len(self.unit)), dim=1))


def info_nce(
    images: Float[Tensor, "n width"], texts: Float[Tensor, "n width"], temperature: float
) -> Float[Tensor, ""]:
    """Cross-entropy of finding each image's text and each text's image among all n, in nats.

    Row i of the one belongs to row i of the other; logits are cosines over the temperature.
    """
    logits = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature
    labels = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def recall_at_k(found: Int[Tensor, "q n"], relevant: Sequence[Collection[int]], k: int) -> float:
    """The share of a query's relevant items among the first k found, averaged over queries.

    Queries without a relevant item do not count. Raises ValueError if no query has one.
    """
    shares = [
        len(set(row[:k]) & set(wanted)) / len(set(wanted))
        for row, wanted in zip(found.tolist(), relevant, strict=True)
        if len(wanted)
    ]
    if not shares:
        raise ValueError("No query has a relevant item: recall is not defined.")
    return sum(shares) / len(shares)


class IVF:
    """An inverted file: each vector in the cell of its nearest centroid; a query looks into few.

    Vectors and centroids have length 1; near is a large inner product.
    """

    def __init__(self, vectors: Float[Tensor, "n width"], centroids: Float[Tensor, "cells width"]):
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(
        self, query: Float[Tensor, " width"], k: int, n_probe: int
    ) -> tuple[Float[Tensor, " k"], Int[Tensor, " k"]]:
        """Similarities and row numbers of the k nearest in the n_probe nearest cells."""
        cells = (self.centroids @ query).topk(min(n_probe, len(self.centroids))).indices
        rows = torch.cat([self.members[c] for c in cells])
        top = (self.vectors[rows] @ query).topk(min(k, len(rows)))
        return top.values, rows[top.indices]


def kmeans(
    vectors: Float[Tensor, "n width"], cells: int, steps: int = 10, seed: int = 0
) -> Float[Tensor, "cells width"]:
    """Centroids of length 1, by spherical k-means from vectors drawn at random."""
    generator = torch.Generator().manual_seed(seed)
    centroids = vectors[torch.randperm(len(vectors), generator=generator)[:cells]]
    for _ in range(steps):
        cell = (vectors @ centroids.T).argmax(dim=1)
        sums = torch.zeros_like(centroids).index_add_(0, cell, vectors)
        is_empty: Bool[Tensor, "cells 1"] = sums.norm(dim=1, keepdim=True) == 0
        centroids = F.normalize(torch.where(is_empty, centroids, sums), dim=1)
    return centroids
