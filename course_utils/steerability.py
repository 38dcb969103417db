"""How far steering can be trusted, and vectors that are no plain mean difference.

A *sample* is a prompt with two continuations, one wanted and one not; its *difference* is
log p(wanted) - log p(unwanted) in nats, measured under steering at several strengths.

Sources: Tan et al., "Analyzing the Generalization and Reliability of Steering Vectors" (2024), for
the slope as steerability and for anti-steerable samples; Efron, "Bootstrap Methods: Another Look at
the Jackknife" (1979); Rahn et al., "Controlling Large Language Model Agents with Entropic
Activation Steering" (2024); Fort, "Scaling Laws for Adversarial Attacks on Language Model
Activations" (2023).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def steerability(
    strengths: Float[Tensor, " strength"], differences: Float[Tensor, "sample strength"]
) -> Float[Tensor, " sample"]:
    """Each sample's slope: of the least-squares line through its differences, with intercept.

    In nats per unit of strength. Raises ValueError where the shapes do not fit, or for fewer than
    two different strengths.
    """
    if differences.shape[-1] != len(strengths):
        raise ValueError(
            f"{len(strengths)} strengths and differences of shape {list(differences.shape)}: give "
            "a column for each strength."
        )
    centered = strengths.to(differences) - strengths.to(differences).mean()
    if not centered.any():
        raise ValueError("A slope needs two different strengths: give more of them.")
    return differences @ centered / centered.square().sum()


def anti_steerable_share(
    slopes: Float[Tensor, " sample"], groups: Int[Tensor, " sample"], n_groups: int
) -> Float[Tensor, " group"]:
    """For each group the share of its samples whose slope is negative.

    Samples without a slope (NaN) do not count; a group without samples that count has NaN.
    """
    backwards, counted = torch.zeros(2, n_groups, dtype=torch.float64, device=slopes.device)
    valid = ~slopes.isnan()
    counted.index_add_(0, groups[valid], torch.ones_like(slopes[valid], dtype=torch.float64))
    backwards.index_add_(0, groups[valid], (slopes[valid] < 0).double())
    return (backwards / counted).to(slopes.dtype)


def bootstrap_interval(
    values: Float[Tensor, "sample ..."],
    statistic: Callable[[Tensor], Tensor | float],
    level: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile interval of a statistic over samples, resampled with replacement.

    `statistic` takes what `values` is and gives a number. The rows of `values` stay whole.
    Raises ValueError without samples, or for a level outside 0 to 1.
    """
    if not len(values) or not 0 < level < 1:
        raise ValueError(
            f"{len(values)} samples, level {level}: give at least one, and a level between 0 and 1."
        )
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    drawn = torch.randint(n, (n_resamples, n), generator=generator).to(values.device)
    found = torch.tensor([float(statistic(values[rows])) for rows in drawn], dtype=torch.float64)
    tail = (1 - level) / 2
    low, high = found.quantile(torch.tensor([tail, 1 - tail], dtype=torch.float64)).tolist()
    return low, high


def random_control(
    effect: Callable[[Tensor], float], vector: Float[Tensor, " d_model"], n: int, seed: int = 0
) -> tuple[Float[Tensor, " n"], float]:
    """The effects of n random vectors of the same norm, and how rare the vector's own one is.

    Every direction is as likely as every other. The second result is
    (1 + the number of random effects at least as large in size) / (n + 1).
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(n, len(vector), generator=generator, dtype=torch.float64)
    drawn = drawn / drawn.norm(dim=-1, keepdim=True) * vector.double().norm().cpu()
    effects = torch.tensor([float(effect(x)) for x in drawn.to(vector)])
    rare = 1 + int((effects.abs() >= abs(float(effect(vector)))).sum())
    return effects, rare / (n + 1)


def entropy_weighted_vector(
    activations: Float[Tensor, "prompt d_model"], probabilities: Float[Tensor, "prompt choice"]
) -> Float[Tensor, " d_model"]:
    """The mean activation, weighted by the entropy of the choice, minus the plain mean.

    Each row of `probabilities` is divided by its sum first. Raises ValueError where no choice is
    open: then all weights are 0.
    """
    p = probabilities / probabilities.sum(-1, keepdim=True)
    entropies = torch.special.entr(p).sum(-1)
    if not entropies.any():
        raise ValueError("Every choice is certain: give prompts whose entropies are not all 0.")
    return (entropies / entropies.sum()).to(activations) @ activations - activations.mean(0)


def attack_step(
    model: PreTrainedModel,
    context: Int[Tensor, " context"],
    targets: Int[Tensor, "batch target"],
    perturbation: Float[Tensor, "batch a d_model"],
    rate: float,
) -> tuple[Float[Tensor, "batch a d_model"], Float[Tensor, " batch"]]:
    """One signed gradient step of an attack on the first a embeddings of a context.

    Each row has a perturbation of its own, which is to make the model continue the context with
    that row's targets. Returns the perturbation after the step, `rate` away in each of its numbers,
    and each row's loss before it: the mean cross-entropy of its targets, each predicted from the
    context and the targets before it, in nats.
    Raises ValueError for a perturbation that is longer than the context.
    """
    a, n_targets = perturbation.shape[1], targets.shape[1]
    if a > len(context):
        raise ValueError(f"A perturbation of {a} positions needs as many tokens of context.")
    ids = torch.cat([context.expand(len(targets), -1), targets[:, :-1]], dim=1)
    with torch.enable_grad():
        perturbation = perturbation.detach().requires_grad_()
        embedded = model.get_input_embeddings()(ids).detach()
        moved = torch.cat([embedded[:, :a] + perturbation, embedded[:, a:]], dim=1)
        logits = model(inputs_embeds=moved, use_cache=False).logits[:, -n_targets:]
        losses = nn.functional.cross_entropy(logits.mT, targets, reduction="none").mean(-1)
        [gradient] = torch.autograd.grad(losses.sum(), perturbation)
    return perturbation.detach() - rate * gradient.sign(), losses.detach()


# What the notebooks need beside


def agreement(differences: Float[Tensor, "pair d_model"]) -> float:
    """The mean cosine between the differences of two different pairs. NaN for fewer than two."""
    unit = nn.functional.normalize(differences, dim=-1)
    n = len(unit)
    return ((unit @ unit.mT).sum().item() - n) / (n * (n - 1)) if n > 1 else math.nan
