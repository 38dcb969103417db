"""Probes and inputs for the exercises of ``12_beyond_one_machine``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.checks.probes.anatomy import Sizes
from course_utils.checks.probes.guard import attempt
from course_utils.checks.probes.reproducibility import wrapped
from course_utils.checks.probes.tracing import _as_tensors

MOST_MESSAGES = 2000


# ring_all_reduce(tensors, send)


def ring_inputs(seed: int) -> list[list[Tensor]]:
    """For 2, 3, 5, 1 and 4 ranks a tensor each, of whole numbers, so that every order of adding
    gives the same."""
    generator = torch.Generator().manual_seed(1_000_003 * (seed + 1) + 1201)
    return [
        list(torch.randint(-50, 50, (r, r * n), generator=generator).double())
        for r, n in ((2, 3), (3, 2), (5, 1), (1, 4), (4, 3))
    ]


def ring(answer: Callable, seed: int) -> list[dict]:
    """``results``, and for each message its source, target and number of values. In the last call,
    for three ranks again, what arrives is not what was sent."""
    inputs = ring_inputs(seed)
    calls = [_ring(answer, tensors, 0) for tensors in inputs]
    return [*calls, _ring(answer, inputs[1], 1000)]


def _ring(answer: Callable, tensors: list[Tensor], added: int) -> dict:
    log: list[list[int]] = []

    def run(tensors, send):
        before = [tensor.clone() for tensor in tensors]
        results = _as_tensors(answer(tensors, send))
        changed = not all(map(torch.equal, tensors, before))
        return {"results": results, "log": log, "changed": changed}

    def send(source, target, values):
        if not isinstance(values, Tensor):
            raise TypeError(f"send takes a tensor, not a {type(values).__name__}")
        if len(log) >= MOST_MESSAGES:
            raise RuntimeError(f"{MOST_MESSAGES} messages, and still more")
        log.append([int(source), int(target), values.numel()])
        return values + added

    return attempt(wrapped(answer, run), tensors, send)


# zero_bytes(parameters, ranks, stage, each=(2, 2, 12))


def zero_stage_0(seed: int) -> list[tuple]:
    sizes = Sizes(seed, 1211)
    return [(120 * sizes.between(7, 99), ranks, 0) for ranks in (2, 5)]


def zero_middle(seed: int) -> list[tuple]:
    sizes = Sizes(seed, 1212)
    return [(120 * sizes.between(7, 99), ranks, stage) for ranks in (3, 8, 1) for stage in (1, 2)]


def zero_stage_3(seed: int) -> list[tuple]:
    sizes = Sizes(seed, 1213)
    return [(120 * sizes.between(7, 99), ranks, 3) for ranks in (2, 4, 1)]


def zero_each(seed: int) -> list[tuple]:
    sizes = Sizes(seed, 1214)
    return [
        (120 * sizes.between(7, 99), 3, stage, each)
        for stage, each in ((0, (4, 4, 8)), (1, (2, 4, 10)), (3, (1, 2, 6)))
    ]


def _zero(inputs: Callable[[int], list[tuple]]):
    def probe(answer: Callable, seed: int) -> list[dict]:
        def run(*arguments):
            value = _as_tensors(answer(*arguments))
            if isinstance(value, dict):
                return {k: v.item() if isinstance(v, Tensor) else v for k, v in value.items()}
            return value

        return [attempt(wrapped(answer, run), *arguments) for arguments in inputs(seed)]

    return probe


zero_first = _zero(zero_stage_0)
zero_second = _zero(zero_middle)
zero_last = _zero(zero_stage_3)
zero_other = _zero(zero_each)


# pipeline(stages, micro_batches)


def pipeline_inputs(seed: int) -> list[tuple[int, int]]:
    sizes = Sizes(seed, 1221)
    return [(3, 5 + sizes.between(0, 3)), (4, 2), (1, 3), (2, 1), (5, 5)]


def pipelines(answer: Callable, seed: int) -> list[dict]:
    return [attempt(answer, *arguments) for arguments in pipeline_inputs(seed)]
