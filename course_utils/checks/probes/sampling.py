"""Probes and inputs for ``sampling.softmax``, ``sampling.top_k`` and ``sampling.top_p``.

An input-maker returns a list of argument tuples. Logits have no ties unless their name says so,
and a ``p`` is at least ``MARGIN`` away from every partial sum of the sorted probabilities; where
it is meant to be close, ``CLOSE``, which float32 still tells apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.checks.probes.guard import attempt

MARGIN = 5e-3
CLOSE = 2e-5
INF = torch.inf


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


def _normal(generator, *shape: int, dtype=torch.float64) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64).mul(1.5).to(dtype)


def _call_each(answer: Callable, inputs: list[tuple]) -> list[dict]:
    return [attempt(answer, logits.clone(), number) for logits, number in inputs]


def _call_on_meta(answer: Callable, number: float) -> dict:
    logits = torch.empty(2, 6, device="meta")
    torch.where(logits.topk(2).values > 0, 0, 1)  # torch loads much at its first use
    return attempt(answer, logits, number)


def softmax_inputs(seed: int) -> list[tuple[Tensor, float]]:
    generator = _generator(seed, 1)
    return [
        (_normal(generator, 3, 3), 0.5),
        (_normal(generator, 2, 5, dtype=torch.float32), 2.0),
        (_normal(generator, 6), 1.3),
        (_normal(generator, 2, 3, 4), 0.7),
        (50 * _normal(generator, 2, 4), 50.0),
    ]


def large_inputs(seed: int) -> list[tuple[Tensor, float]]:
    """float32 logits that stay exact when divided by the temperature, a power of two.

    The scaled ones, up to 2000, overflow exp in float64, and are small enough for a logsumexp in
    float32, which rounds them to 1.2e-4.
    """
    generator = _generator(seed, 2)
    steps = torch.randint(-4, 5, (4, 3, 4), generator=generator) / 2
    far = torch.tensor([[1e3], [-1e3], [0.0]])
    wide = torch.tensor([0.0, -1000.0, 1000.0, 999.0])[torch.randperm(4, generator=generator)]
    unequal = torch.stack([steps[0, 0] + 1e3, steps[0, 1] - 1e3, wide])
    dropped = _normal(generator, 2, 5, dtype=torch.float32)
    dropped[0, :2] = dropped[1, 3] = -INF
    return [
        (unequal, 0.5),
        (steps[1] + 2 * far, 2.0),
        (steps[3] - far, 1.0),
        (steps[2] / 1024 + 1.5, 1 / 1024),
        (dropped, 1.0),
    ]


BAD_TEMPERATURES = (0.0, -1.0, -0.5, 0)
GOOD_TEMPERATURE = 1.5


def softmax_values(answer: Callable, seed: int) -> list[dict]:
    return [*_call_each(answer, softmax_inputs(seed)), _call_on_meta(answer, 2.0)]


def softmax_large(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, large_inputs(seed))


def softmax_temperatures(answer: Callable, seed: int) -> list[dict]:
    logits = temperature_logits(seed)
    settings = (*BAD_TEMPERATURES, GOOD_TEMPERATURE)
    return [attempt(answer, logits.clone(), temperature) for temperature in settings]


def temperature_logits(seed: int) -> Tensor:
    return _normal(_generator(seed, 3), 2, 4)


def top_k_rows_inputs(seed: int) -> list[tuple[Tensor, int]]:
    generator = _generator(seed, 11)
    shifted = _normal(generator, 4, 6) + torch.tensor([[0.0], [8.0], [-8.0], [0.0]])
    all_negative = -_normal(generator, 3, 5).abs() - 0.5
    all_negative[0, 2] = all_negative[2, 4] = 0.0  # an exact 0 that has to stay
    return [
        (shifted, 2),
        (_normal(generator, 2, 3, 5, dtype=torch.float32), 3),
        (_normal(generator, 7), 1),
        (all_negative, 4),
        (_normal(generator, 3, 3), 1),
        (_shuffled(torch.tensor([[3.0, 2, 1 + CLOSE, 1, 0, -1]] * 2), generator), 3),
        (_normal(generator, 2, 300), 120),
    ]


def top_k_ties_inputs(seed: int) -> list[tuple[Tensor, int]]:
    generator = _generator(seed, 12)
    base = torch.randint(1, 5, (), generator=generator) / 2
    at_the_edge = torch.tensor([[3.0, 1, 1, 1, 0, -1], [2.0, 2, 2, 2, 1, -2]])
    above = torch.tensor([[3.0, 3, 2, 1, 0, -1], [4.0, 4, 4, 1, 0, -3]])
    equal = torch.ones(2, 4)
    return [
        (_shuffled(at_the_edge + base, generator), 2),
        (_shuffled(above - base, generator), 3),
        (equal * base, 2),
        (_shuffled(above.double(), generator), 2),
    ]


def top_k_edges_inputs(seed: int) -> list[tuple[Tensor, int]]:
    generator = _generator(seed, 13)
    filtered = _normal(generator, 3, 6)
    filtered[0, 1:5] = filtered[1, 2:] = filtered[2, 0] = -INF
    return [
        (_normal(generator, 2, 5, dtype=torch.float32), 5),
        (_normal(generator, 2, 5), 6),
        (_normal(generator, 3, 4), 50),
        (filtered, 3),
        (filtered, 10),
    ]


def _shuffled(rows: Tensor, generator) -> Tensor:
    return torch.stack([row[torch.randperm(len(row), generator=generator)] for row in rows])


def top_k_rows(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, top_k_rows_inputs(seed))


def top_k_ties(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, top_k_ties_inputs(seed))


def top_k_edges(answer: Callable, seed: int) -> list[dict]:
    return [*_call_each(answer, top_k_edges_inputs(seed)), _call_on_meta(answer, 3)]


def _away_from_sums(make: Callable[[], Tensor], p: float) -> tuple[Tensor, float]:
    """Logits, drawn again until ``p`` is MARGIN away from every partial sum of every row."""
    while True:
        logits = make()
        probabilities = logits.double().softmax(-1).sort(descending=True).values
        if ((probabilities.cumsum(-1) - p).abs() > MARGIN).all():
            return logits, p


def _close_to_sums(generator, p: float) -> tuple[Tensor, float]:
    """Rows of which a partial sum is CLOSE above p, and rows of which one is CLOSE below."""
    rows: list[Tensor] = []
    while len(rows) < 12:
        row = _normal(generator, 6).sort(descending=True).values
        mass = row.softmax(-1).cumsum(-1)
        count = int((mass < p).sum())
        target = p + CLOSE * (-1) ** len(rows)
        largest = torch.arange(6) < count
        row = row + largest * (math.log(target / (1 - target)) - mass[count - 1].logit())
        clear = ((row.softmax(-1).cumsum(-1) - p).abs() > CLOSE / 2).all()
        if 0 < count < 5 and row[count - 1] > row[count] + MARGIN and clear:
            rows.append(row)
    return _shuffled(torch.stack(rows), generator), p


def _nearly_equal(generator, size: int, kept: int) -> tuple[Tensor, float]:
    """Two rows of so many nearly equal logits, and the p half a token short of so many."""
    row = _normal(generator, size) / 10
    mass = row.softmax(-1).sort(descending=True).values.cumsum(-1)
    return _shuffled(torch.stack([row, row]), generator), float(mass[kept - 2 : kept].mean())


def top_p_rows_inputs(seed: int) -> list[tuple[Tensor, float]]:
    generator = _generator(seed, 21)
    shifts = torch.tensor([[0.0], [5.0], [-5.0], [0.0]])

    def with_zeros() -> Tensor:
        logits = _normal(generator, 3, 6, dtype=torch.float32)
        return logits - logits.sort().values[:, -2:-1]  # the second largest is exactly 0

    return [
        _away_from_sums(lambda: _normal(generator, 4, 8) + shifts, 0.7),
        _away_from_sums(with_zeros, 0.9),
        _away_from_sums(lambda: _normal(generator, 3, 3), 0.35),
        _close_to_sums(generator, 0.7),
        _nearly_equal(generator, size=300, kept=240),
    ]


def top_p_shapes_inputs(seed: int) -> list[tuple[Tensor, float]]:
    generator = _generator(seed, 22)
    return [
        _away_from_sums(lambda: _normal(generator, 9), 0.8),
        _away_from_sums(lambda: _normal(generator, 2, 3, 6), 0.6),
        _away_from_sums(lambda: _normal(generator, 2, 1, 2, 5, dtype=torch.float32), 0.75),
        _away_from_sums(lambda: _normal(generator, 2, 6), 0.8),
    ]


def top_p_ties_inputs(seed: int) -> list[tuple[Tensor, float]]:
    generator = _generator(seed, 23)
    rows = torch.tensor([[2.0, 1, 1, 1, 0, -1], [1.0, 1, 1, 1, -1, -2]], dtype=torch.float64)
    shift = torch.randint(-3, 4, (), generator=generator) / 2 + 1 / 4
    return [
        (_shuffled(rows + shift, generator), 0.6),
        (torch.full((2, 4), float(shift)), 0.6),
        (_shuffled(rows.float() - shift, generator), 0.7),
    ]


def top_p_edges_inputs(seed: int) -> list[tuple[Tensor, float]]:
    generator = _generator(seed, 24)

    def filtered() -> Tensor:
        logits = _normal(generator, 3, 7)
        logits[0, 1:4] = logits[1, 3:] = logits[2, 0] = -INF
        return logits

    certain = _normal(generator, 2, 5)
    certain[0, 3], certain[1, 0] = 12.0, 11.0
    return [
        (_normal(generator, 16, 7, dtype=torch.float32).tanh() * 3, 1.0),
        (_normal(generator, 2, 5), 1.0),
        _away_from_sums(filtered, 0.7),
        (filtered(), 1.0),
        (certain, 0.5),
        (_normal(generator, 2, 6, dtype=torch.float32), 0.01),
        _away_from_sums(lambda: _normal(generator, 2, 6) + 1000, 0.7),
    ]


def top_p_rows(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, top_p_rows_inputs(seed))


def top_p_shapes(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, top_p_shapes_inputs(seed))


def top_p_ties(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, top_p_ties_inputs(seed))


def top_p_edges(answer: Callable, seed: int) -> list[dict]:
    return [*_call_each(answer, top_p_edges_inputs(seed)), _call_on_meta(answer, 0.9)]
