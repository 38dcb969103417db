"""Probes and inputs for the exercises of ``06_steering_soberly``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.checks.probes.guard import attempt
from course_utils.checks.probes.tracing import lenient

RESAMPLES = 3000
DIRECTIONS = 3000


def generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


def normal(generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def call_each(answer: Callable, inputs: list[tuple]) -> list[dict]:
    copies = [[x.clone() if isinstance(x, Tensor) else x for x in args] for args in inputs]
    return [attempt(lenient(answer), *args) for args in copies]


# steerability(strengths, differences)


def _lines(generator, strengths: Tensor, samples: int) -> Tensor:
    """Noisy lines of different slopes and intercepts: two negative slopes in five."""
    slopes = 2 * normal(generator, samples, 1) + 0.5
    intercepts = 3 * normal(generator, samples, 1) + 2
    return intercepts + slopes * strengths + 0.7 * normal(generator, samples, len(strengths))


def slope_inputs(seed: int) -> list[tuple[Tensor, Tensor]]:
    """Uneven strengths from the lowest to the highest, more of them above 0 than below."""
    rng = generator(seed, 611)
    first = torch.tensor([-1.0, 0.0, 0.5, 1.5, 3.0, 3.5], dtype=torch.float64)
    second = torch.tensor([0.25, 0.5, 2.0, 4.0], dtype=torch.float64)
    return [(first, _lines(rng, first, 5)), (second, _lines(rng, second, 9))]


def order_inputs(seed: int) -> list[tuple[Tensor, Tensor]]:
    """In another order, one of them twice; their mean is 0."""
    rng = generator(seed, 612)
    strengths = torch.tensor([-2.0, -1.0, -1.0, 0.5, 1.0, 2.5], dtype=torch.float64)
    rows = []
    for samples in (4, 3):
        shuffled = strengths[torch.randperm(6, generator=rng)]
        while (shuffled == strengths).all() or (shuffled == strengths.flip(0)).all():
            shuffled = strengths[torch.randperm(6, generator=rng)]
        rows.append((shuffled, _lines(rng, shuffled, samples)))
    return rows


def shape_inputs(seed: int) -> list[tuple[Tensor, Tensor]]:
    """One sample; as many samples as strengths; two strengths. The mean strength is 0."""
    rng = generator(seed, 613)
    five = torch.tensor([-1.5, -0.5, 0.0, 0.5, 1.5], dtype=torch.float64)
    two = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    return [(five, _lines(rng, five, 1)), (five, _lines(rng, five, 5)), (two, _lines(rng, two, 3))]


def slope(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, slope_inputs(seed))


def slope_order(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, order_inputs(seed))


def slope_shapes(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, shape_inputs(seed))


# anti_steerable_share(slopes, groups, n_groups)


def _grouped(rng, sizes: list[int], backwards: list[int]) -> tuple[Tensor, Tensor, int]:
    """Slopes of either sign, group after group."""
    slopes, groups = [], []
    for group, (size, negative) in enumerate(zip(sizes, backwards, strict=True)):
        sign = torch.ones(size, dtype=torch.float64)
        sign[:negative] = -1
        slopes.append(sign * (0.2 + normal(rng, size).abs()))
        groups.append(torch.full((size,), group))
    return torch.cat(slopes), torch.cat(groups), len(sizes)


def _mixed(rng, sizes: list[int], backwards: list[int]) -> tuple[Tensor, Tensor, int]:
    """In any order, of which the first sample is not of group 0, nor the second of group 1."""
    slopes, groups, n = _grouped(rng, sizes, backwards)
    order = torch.randperm(len(slopes), generator=rng)
    while groups[order[0]] == 0 or groups[order[1]] == 1:
        order = torch.randperm(len(slopes), generator=rng)
    return slopes[order], groups[order], n


def _any_sizes(rng) -> tuple[list[int], list[int]]:
    """Three or four groups of 4 to 30 samples, of which at least two go either way."""
    sizes = torch.randint(4, 31, (3 + int(torch.randint(2, (), generator=rng)),), generator=rng)
    return sizes.tolist(), [2 + int(torch.randint(n - 3, (), generator=rng)) for n in sizes]


def share_inputs(seed: int) -> list[tuple[Tensor, Tensor, int]]:
    rng = generator(seed, 621)
    chosen = [_mixed(rng, [5, 8, 3], [1, 6, 0]), _mixed(rng, [4, 7], [4, 2])]
    return [*chosen, _mixed(rng, *_any_sizes(rng))]


def zero_inputs(seed: int) -> list[tuple[Tensor, Tensor, int]]:
    """One slope of each group is 0: a positive one until then."""
    rng = generator(seed, 622)
    found = [_grouped(rng, [6, 5], [2, 1]), _grouped(rng, *_any_sizes(rng))]
    for slopes, groups, n in found:
        for group in range(n):
            slopes[((groups == group) & (slopes > 0)).nonzero()[0]] = 0.0
    return found


def nan_inputs(seed: int) -> list[tuple[Tensor, Tensor, int]]:
    """Some samples of each group have no slope."""
    rng = generator(seed, 623)
    found = [_grouped(rng, [7, 6, 4], [3, 1, 2]), _grouped(rng, *_any_sizes(rng))]
    for slopes, groups, n in found:
        for group in range(n):
            for of_sign in (slopes > 0, slopes < 0)[: 1 + (group == 0)]:
                slopes[((groups == group) & of_sign).nonzero()[0]] = torch.nan
    return found


def empty_inputs(seed: int) -> list[tuple[Tensor, Tensor, int]]:
    """A group without samples: in between, and at the end."""
    rng = generator(seed, 624)
    sizes, backwards = _any_sizes(rng)
    drawn = _grouped(rng, [*sizes, 0, 5], [*backwards, 0, 2])
    return [_grouped(rng, [4, 0, 5], [1, 0, 4]), _grouped(rng, [3, 6, 0], [2, 1, 0]), drawn]


def share(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, share_inputs(seed))


def share_zero(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, zero_inputs(seed))


def share_nan(answer: Callable, seed: int) -> list[dict]:
    """Without a word on changed inputs: to the guard nan is never what it was."""
    return [call | {"mutated": False} for call in call_each(answer, nan_inputs(seed))]


def share_empty(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, empty_inputs(seed))


# bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0)


def _rows(values) -> Tensor:
    """Samples as a tensor, given as a tensor, an array or a list of either."""
    if isinstance(values, list | tuple):
        return torch.stack([torch.as_tensor(x).double() for x in values])
    return torch.as_tensor(values).double()


def mean(values) -> float:
    return float(_rows(values).mean())


def variance(values) -> float:
    """Divided by n."""
    return float(_rows(values).var(correction=0))


def correlation(rows) -> float:
    """Of two columns."""
    return float(torch.corrcoef(_rows(rows).T)[0, 1])


def mean_inputs(seed: int) -> list[tuple]:
    rng = generator(seed, 631)
    return [
        (2 * normal(rng, 40) + 3, mean, 0.8, RESAMPLES, 3),
        (normal(rng, 60) - 1, mean, 0.95, RESAMPLES, 4),
    ]


def single_input(seed: int) -> tuple:
    """One resample alone: all its quantiles are the same."""
    return normal(generator(seed, 635), 40), mean, 0.9, 1, 3


def skewed_inputs(seed: int) -> list[tuple]:
    """A statistic whose bootstrap distribution is skewed."""
    rng = generator(seed, 632)
    even = torch.special.ndtri((torch.arange(16, dtype=torch.float64) + 0.5) / 16)
    return [((1.1 * even + 0.05 * normal(rng, 16)).exp(), variance, 0.95, RESAMPLES, 5)]


def paired_inputs(seed: int) -> list[tuple]:
    """Two columns that go together."""
    rng = generator(seed, 633)
    one = normal(rng, 50)
    other = one + 0.7 * normal(rng, 50)
    return [(torch.stack([one, other], 1), correlation, 0.95, RESAMPLES, 6)]


def seed_inputs(seed: int) -> list[tuple]:
    rng = generator(seed, 634)
    values = normal(rng, 30)
    return [(values, mean, 0.9, 50, number) for number in (7, 7, 8, 9)]


def interval(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, [*mean_inputs(seed), single_input(seed)])


def interval_skewed(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, skewed_inputs(seed))


def interval_paired(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, paired_inputs(seed))


def interval_seeds(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, seed_inputs(seed))


# random_control(effect, vector, n, seed=0)


def flat_vector(seed: int) -> Tensor:
    """In the plane, so that directions are easily counted."""
    return 1.7 * normal(generator(seed, 641), 2) + torch.tensor([2.0, -1.0], dtype=torch.float64)


def wide_vector(seed: int, stream: int = 642) -> Tensor:
    return 3 * normal(generator(seed, stream), 24)


def _controlled(answer: Callable, effect: Callable, vector: Tensor, n: int, *seed: int) -> dict:
    """The outcome, with the vectors that the effect was asked for and what it gave."""
    asked, given = [], []

    def measured(x) -> float:
        x = torch.as_tensor(x)
        asked.append(x.detach().clone().double())
        given.append(float(effect(asked[-1])))
        return given[-1]

    call = attempt(lenient(answer), measured, vector.clone(), n, *seed)
    shapes = sorted({tuple(x.shape) for x in asked})
    stacked = torch.stack(asked) if len(shapes) == 1 and shapes[0] == vector.shape else None
    return call | {"asked": stacked, "shapes": list(map(list, shapes)), "given": given}


def control_directions(answer: Callable, seed: int) -> list[dict]:
    """Many vectors in the plane, and some of more numbers."""
    flat, wide = flat_vector(seed), wide_vector(seed)
    return [
        _controlled(answer, lambda x: x.sum(), flat, DIRECTIONS, 1),
        _controlled(answer, lambda x: x[0], wide, 30, 2),
    ]


def _own_rank(vector: Tensor, rank: float, sign: float) -> Callable:
    """An effect along a fixed axis; the vector's own has this size in units of its spread."""
    axis = torch.zeros(len(vector), dtype=torch.float64)
    axis[0] = 1.0
    spread = vector.norm() / len(vector) ** 0.5

    def effect(x: Tensor) -> float:
        if torch.allclose(x, vector):
            return float(sign * rank * spread)
        return float(x @ axis)

    return effect


def control_rarity(answer: Callable, seed: int) -> list[dict]:
    """The vector's own effect is negative, and of a size that many random ones reach."""
    vectors = [wide_vector(seed, stream) for stream in (643, 644)]
    return [
        _controlled(answer, _own_rank(vectors[0], 0.8, -1.0), vectors[0], 40, 3),
        _controlled(answer, _own_rank(vectors[1], 1.2, -1.0), vectors[1], 25, 4),
    ]


def control_ties(answer: Callable, seed: int) -> list[dict]:
    """Effects of whole numbers from 0 on: many are as large as the vector's own."""
    vector = wide_vector(seed, 645)
    spread = float(vector.norm() / len(vector) ** 0.5)

    def effect(x: Tensor) -> float:
        return 1.0 if torch.allclose(x, vector) else float((x[0] / spread).abs().round())

    return [_controlled(answer, effect, vector, 60, 5)]


def control_seeds(answer: Callable, seed: int) -> list[dict]:
    vector = wide_vector(seed, 646)
    return [_controlled(answer, lambda x: x[0], vector, 6, number) for number in (7, 7, 8, 9)]
