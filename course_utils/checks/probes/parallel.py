"""Probes and inputs for the exercises of ``12_beyond_one_machine``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.probes.anatomy import Sizes
from course_utils.checks.probes.guard import attempt
from course_utils.checks.probes.reproducibility import wrapped
from course_utils.checks.probes.tracing import _as_tensors

MOST_MESSAGES = 2000
ADDED = 1000  # to what arrives, in the last call


# ring_all_reduce(tensors, send)


def ring_inputs(seed: int) -> list[list[Tensor]]:
    """For 2, 3, 5, 1 and 4 ranks a tensor each, of whole numbers, so that every order of adding
    gives the same."""
    generator = torch.Generator().manual_seed(1_000_003 * (seed + 1) + 1201)
    return [
        list(torch.randint(-5000, 5000, (r, r * n), generator=generator).double())
        for r, n in ((2, 3), (3, 2), (5, 1), (1, 4), (4, 3))
    ]


def ring(answer: Callable, seed: int) -> list[dict]:
    """``results``, and for each message its source, target and number of values. In the last call,
    for three ranks again, what arrives is not what was sent."""
    inputs = ring_inputs(seed)
    calls = [_ring(answer, tensors, 0) for tensors in inputs]
    return [*calls, _ring(answer, inputs[1], ADDED)]


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


def zero_inputs(seed: int) -> dict[str, list[tuple]]:
    """By case; those of "other sizes" are pairs that differ in the sizes alone."""
    sizes = Sizes(seed, 1211)

    def drawn() -> int:
        return 120 * sizes.between(7, 99)

    pairs = [
        ((drawn(), 3, stage), each)
        for stage, each in ((0, (4, 5, 8)), (1, (2, 4, 10)), (3, (1, 3, 6)))
    ]
    return {
        "stage 0": [(drawn(), ranks, 0) for ranks in (2, 5)],
        "stages 1 and 2": [(drawn(), ranks, stage) for ranks in (3, 8, 1) for stage in (1, 2)],
        "stage 3": [(drawn(), ranks, 3) for ranks in (2, 4, 1)],
        "other sizes": [given for first, each in pairs for given in (first, (*first, each))],
    }


def zero(answer: Callable, seed: int) -> list[dict]:
    """A call for each of the inputs, case after case."""

    def run(*arguments):
        value = answer(*arguments)
        if not isinstance(value, dict):
            return _as_tensors(value)
        single = (np.generic, Tensor)
        return {k: v.item() if isinstance(v, single) else v for k, v in value.items()}

    inputs = [given for case in zero_inputs(seed).values() for given in case]
    return [attempt(wrapped(answer, run), *arguments) for arguments in inputs]


# pipeline(stages, micro_batches)


def pipeline_inputs(seed: int) -> list[tuple[int, int]]:
    sizes = Sizes(seed, 1221)
    return [(3, 5 + sizes.between(0, 3)), (4, 2), (1, 3), (2, 1), (5, 5)]


def pipelines(answer: Callable, seed: int) -> list[dict]:
    return [attempt(answer, *arguments) for arguments in pipeline_inputs(seed)]
