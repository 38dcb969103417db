"""Probes and inputs for the exercises of ``06b_beyond_the_mean``."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.checks.probes.guard import attempt
from course_utils.checks.probes.steering import D_MODEL, GEMMA, GPT2, LLAMA, make_model, tokens
from course_utils.checks.probes.steering_soberly import call_each, generator, normal
from course_utils.checks.probes.tracing import lenient

# entropy_weighted_vector(activations, probabilities)


def _choices(rng, prompts: int, choices: int) -> Tensor:
    """Of all degrees of doubt."""
    sharpness = torch.linspace(0.3, 4.0, prompts, dtype=torch.float64)[:, None]
    return (sharpness * normal(rng, prompts, choices)).softmax(-1)


def weighted_inputs(seed: int) -> list[tuple[Tensor, Tensor]]:
    rng = generator(seed, 651)
    return [
        (normal(rng, 7, 5) + 1.0, _choices(rng, 7, 2)),
        (normal(rng, 4, 6) - 0.5, _choices(rng, 4, 4)),
        (normal(rng, 3, 3) + 2.0, _choices(rng, 3, 3)),
    ]


def part_inputs(seed: int) -> list[tuple[Tensor, Tensor]]:
    """The probabilities of the choices alone, the rest of the vocabulary left out."""
    rng = generator(seed, 652)
    mass = 0.05 + 0.9 * torch.rand(6, 1, generator=rng, dtype=torch.float64)
    return [(normal(rng, 6, 5), mass * _choices(rng, 6, 2))]


def certain_inputs(seed: int) -> list[tuple[Tensor, Tensor]]:
    """In two prompts one of the two choices has all the probability."""
    rng = generator(seed, 653)
    probabilities = _choices(rng, 6, 2)
    probabilities[1] = torch.tensor([0.0, 1.0])
    probabilities[4] = torch.tensor([1.0, 0.0])
    return [(normal(rng, 6, 5), probabilities)]


def all_certain_inputs(seed: int) -> list[tuple[Tensor, Tensor]]:
    rng = generator(seed, 654)
    probabilities = torch.eye(2, dtype=torch.float64)[[0, 1, 1, 0]]
    return [(normal(rng, 4, 5), probabilities)]


def weighted(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, weighted_inputs(seed))


def part_of_the_mass(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, part_inputs(seed))


def certain(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, certain_inputs(seed))


def all_certain(answer: Callable, seed: int) -> list[dict]:
    return call_each(answer, all_certain_inputs(seed))


# attack_step(model, context, targets, perturbation, rate)

GRADIENT = 0.5
"""What stands in each parameter's gradient before the step."""


def attack_inputs(seed: int, names: tuple[str, ...] = (LLAMA, LLAMA)) -> list[tuple]:
    """Architecture, context, targets, perturbation, rate; the rows are of different losses."""
    rng = generator(seed, 661 + len(names))
    given = []
    for name, (length, a, batch, n_targets) in zip(
        names, [(5, 2, 3, 4), (4, 4, 2, 1)], strict=True
    ):
        context = torch.randint(3, len(tokens()) - 1, (length,), generator=rng)
        targets = torch.randint(3, len(tokens()) - 1, (batch, n_targets), generator=rng)
        sizes = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)[:batch, None, None]
        perturbation = sizes * normal(rng, batch, a, D_MODEL)
        given.append((name, context, targets, perturbation, 0.3 if a == 2 else 0.05))
    return given


def elsewhere_inputs(seed: int) -> list[tuple]:
    return [
        (name, *rest) for name, (_, *rest) in zip((GPT2, GEMMA), attack_inputs(seed), strict=True)
    ]


def trained_model(name: str, seed: int):
    """As it is loaded: its parameters would take gradients. A model of its own at each call."""
    return copy.deepcopy(_prototype(name, seed))


@functools.lru_cache(maxsize=3)
def _prototype(name: str, seed: int):
    return make_model(name, seed).requires_grad_(True)


def _stepped(answer: Callable, requests: list[tuple], seed: int) -> list[dict]:
    calls = []
    for name, context, targets, perturbation, rate in requests:
        model = trained_model(name, seed)
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, GRADIENT)
        before = _state(model)
        given = context.clone(), targets.clone(), perturbation.clone(), rate
        made = []

        @functools.wraps(answer, updated=())
        def kept(*args, answer=answer, made=made):
            made.append(answer(*args))
            return made[0]

        call = attempt(lenient(kept), model, *given)
        calls.append(call | {"left": _left(model, before) + ["graph"] * _has_graph(made)})
    return calls


def _has_graph(made: list) -> bool:
    tensors = made[0] if made and isinstance(made[0], list | tuple) else []
    return any(isinstance(x, Tensor) and x.requires_grad for x in tensors)


def _state(model) -> dict:
    hooks = [
        hook
        for module in model.modules()
        for kind in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
        for hook in kind.values()
    ]
    weights = torch.cat([p.detach().flatten() for p in model.parameters()]).clone()
    return {
        "hooks": len(hooks),
        "weights": weights,
        "training": model.training,
        "asks": [p.requires_grad for p in model.parameters()],
    }


def _left(model, before: dict) -> list[str]:
    """What is not as it was."""
    now = _state(model)
    left = [name for name in ("hooks", "training", "asks") if now[name] != before[name]]
    left += ["weights"] * (not torch.equal(now["weights"], before["weights"]))
    kept = (p.grad is not None and bool((p.grad == GRADIENT).all()) for p in model.parameters())
    return left + ["gradients"] * (not all(kept))


def attack(answer: Callable, seed: int) -> list[dict]:
    return _stepped(answer, attack_inputs(seed), seed)


def attack_elsewhere(answer: Callable, seed: int) -> list[dict]:
    return _stepped(answer, elsewhere_inputs(seed), seed)
