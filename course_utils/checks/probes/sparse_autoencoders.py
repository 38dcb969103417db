"""Probes and inputs for the exercises of ``07_sparse_autoencoders``."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.anatomy import anatomy
from course_utils.checks.probes.guard import attempt, random_state
from course_utils.checks.probes.steering import D_MODEL, GPT2, LLAMA, N_BLOCKS, make_model


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


def _normal(generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _uniform(generator, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def _whole(generator, most: int, *shape: int) -> Tensor:
    return torch.randint(most, shape, generator=generator)


def _read(answer: Callable) -> Callable:
    """The answer, with NumPy's arrays and numbers in its result as torch's and Python's."""

    @functools.wraps(answer, updated=())
    def read(*args, **kwargs):
        return _plain(answer(*args, **kwargs))

    return read


def _plain(value):
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _call_each(answer: Callable, inputs: list[tuple]) -> list[dict]:
    return [
        attempt(_read(answer), *(x.clone() if isinstance(x, Tensor) else x for x in arguments))
        for arguments in inputs
    ]


def _with_gradients(answer: Callable, arguments: tuple, wanted: tuple[int, ...], loss) -> dict:
    """A call: the gradients of ``loss(result)`` to the wanted arguments, and that loss."""
    leaves = [
        x.clone().requires_grad_() if i in wanted else x.clone() if isinstance(x, Tensor) else x
        for i, x in enumerate(arguments)
    ]

    @functools.wraps(answer, updated=())
    def differentiated(*args):
        result = loss(answer(*args))
        if not isinstance(result, Tensor) or not result.requires_grad:
            return None
        result.sum().backward()
        gradients = [
            torch.zeros_like(leaves[i]) if leaves[i].grad is None else leaves[i].grad
            for i in wanted
        ]
        return [*gradients, result.detach()]

    return attempt(differentiated, *leaves)


# toy_loss(x, W, b, importance)


def toy_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 701)
    sizes = [(7, 5, 2), (4, 3, 3), (6, 4, 1), (1, 6, 3)]
    return [_toy(generator, (), batch, n, m) for batch, n, m in sizes]


def _toy(generator, models: tuple, batch: int, n: int, m: int) -> tuple:
    x = _uniform(generator, *models, batch, n) * (_uniform(generator, *models, batch, n) < 0.7)
    W = _normal(generator, *models, m, n)
    b = 0.4 * _normal(generator, *models, n)
    return x, W, b, 0.2 + 2 * _uniform(generator, *models, n)


def toy_models_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 702)
    return [_toy(generator, (3,), 6, 5, 2), _toy(generator, (2, 4), 3, 4, 2)]


TOY_LEARNED = (1, 2)


def toy_loss(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, toy_inputs(seed))


def toy_models(answer: Callable, seed: int) -> list[dict]:
    """One model, then several."""
    return _call_each(answer, toy_inputs(seed)[:1] + toy_models_inputs(seed))


def toy_gradients(answer: Callable, seed: int) -> list[dict]:
    return [_with_gradients(answer, toy_models_inputs(seed)[0], TOY_LEARNED, lambda loss: loss)]


# selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0)

CLASSES, TYPES = 3, 40


class Fits:
    """A `fit` that notes what it is given. What its probes say is drawn by lot, and noted."""

    def __init__(self, seed: int):
        self.generator = _generator(seed, 711)
        self.given: list[dict] = []

    def __call__(self, x: Tensor, y: Tensor) -> Callable:
        fitted = {"x": torch.as_tensor(x).clone(), "y": torch.as_tensor(y).clone(), "asked": []}
        self.given.append(fitted)

        def predict(rows: Tensor) -> Tensor:
            rows = torch.as_tensor(rows)
            said = _whole(self.generator, CLASSES, len(rows))
            fitted["asked"].append({"rows": rows.clone(), "said": said.clone()})
            return said

        return predict


def selectivity_inputs(seed: int, unseen: bool = False) -> tuple:
    """Labels of which one is three times as frequent as each other, in the test rows another one.
    Every type is in training but, if `unseen`, one of the test rows."""
    generator = _generator(seed, 712)
    types = torch.cat([torch.arange(TYPES), _whole(generator, TYPES, 80)])
    types = types[torch.randperm(len(types), generator=generator)]
    of_type = torch.tensor([0, 0, 0, 1, 2]).repeat(TYPES // 5)
    of_type = of_type[torch.randperm(TYPES, generator=generator)]
    types_test = _whole(generator, TYPES, 50)
    tested = torch.where(torch.arange(50) < 3, TYPES, types_test) if unseen else types_test
    noise = [_whole(generator, CLASSES, len(t)) for t in (types, types_test)]
    keep = [_uniform(generator, len(t)) < 0.8 for t in (types, types_test)]
    y, y_test = (
        torch.where(k, of_type[t], n)
        for k, t, n in zip(keep, (types, types_test), noise, strict=True)
    )
    y_test = CLASSES - 1 - y_test
    return (
        _normal(generator, len(types), 4),
        y,
        types,
        _normal(generator, len(types_test), 4),
        y_test,
        tested,
    )


def _selectivity(answer: Callable, seed: int, *last, unseen: bool = False) -> dict:
    fits = Fits(seed)
    before = random_state()
    inputs = [x.clone() for x in selectivity_inputs(seed, unseen)]
    call = attempt(_read(answer), fits, *inputs, *last)
    return call | {"fits": fits.given, "left": random_state() == before, "unseen": unseen}


def selectivity(answer: Callable, seed: int) -> list[dict]:
    calls = [_selectivity(answer, seed, number) for number in (0, 3, 4)]
    return [*calls, _selectivity(answer, seed, 5, unseen=True)]


def selectivity_seeds(answer: Callable, seed: int) -> list[dict]:
    """The default, 0 again, others, and the last of them again."""
    calls = [_selectivity(answer, seed)]
    return calls + [_selectivity(answer, seed, number) for number in (0, 1, 2, 3, 4, 5, 5)]


# sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity)


def forward_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 721)
    sizes = [((6,), 4, 7, 0.3), ((3,), 5, 5, 2.0), ((2, 5), 4, 6, 0.5), ((2, 3, 2), 3, 5, 0.7)]
    return [_sae(generator, *size) for size in sizes]


def _sae(generator, rows: tuple, d_in: int, d_sae: int, sparsity: float) -> tuple:
    W_dec = _normal(generator, d_sae, d_in) / 2
    return (
        2 * _normal(generator, *rows, d_in),
        _normal(generator, d_in, d_sae),
        _normal(generator, d_sae) / 2,
        W_dec,
        _normal(generator, d_in),
        sparsity,
    )


SAE_LEARNED = (1, 2, 3, 4)


def forward(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, forward_inputs(seed))


def forward_gradients(answer: Callable, seed: int) -> list[dict]:
    """With much sparsity, and with none."""
    *arguments, _ = forward_inputs(seed)[0]
    return [
        _with_gradients(answer, (*arguments, sparsity), SAE_LEARNED, lambda result: result[2])
        for sparsity in (2.0, 0.0)
    ]


# decoder_step(W_dec, optimizer)

STEPS, RATE = 4, 0.05


def step_inputs(seed: int) -> dict:
    """A decoder with rows of norm 1, another parameter, and their gradients for some steps.

    The gradients point along the rows, or against them, for a large part, so that it shows where
    that goes.
    """
    generator = _generator(seed, 731)
    W = F.normalize(_normal(generator, 5, 4), dim=-1)
    signs = torch.tensor([1, -1, 1, 1, -1])[:, None]
    gradients = [2 * signs * W + 0.5 * _normal(generator, 5, 4) for _ in range(STEPS)]
    gradients[1][2] = 0
    others = [_normal(generator, 3) for _ in range(STEPS)]
    return {"W": W, "other": _normal(generator, 3), "gradients": gradients, "others": others}


OPTIMIZERS = {
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=RATE),
    "SGD with momentum": lambda parameters: torch.optim.SGD(parameters, lr=RATE, momentum=0.9),
}


def _stepped(answer: Callable, seed: int, kind: str) -> list[dict]:
    """What the optimizer was given at each of its steps, and what was left behind each call."""
    given = step_inputs(seed)
    W, other = nn.Parameter(given["W"].clone()), nn.Parameter(given["other"].clone())
    optimizer = OPTIMIZERS[kind]([W, other])
    steps, calls = [], []
    optimizer.register_step_pre_hook(lambda *_: steps.append(_at_step(W)))

    @functools.wraps(answer, updated=())
    def run(W_dec, optimizer):
        answer(W_dec, optimizer)

    for gradient, others in zip(given["gradients"], given["others"], strict=True):
        W.grad, other.grad = gradient.clone(), others.clone()
        steps.clear()
        call = attempt(run, W, optimizer)
        calls.append(
            call
            | {
                "kind": kind,
                "steps": len(steps),
                "given": steps[0] if steps else None,
                "W": W.detach().clone(),
                "other": other.detach().clone(),
                "held": optimizer.param_groups[0]["params"][0] is W,
                "leaf": W.is_leaf and W.requires_grad,
            }
        )
    return calls


def _at_step(W: nn.Parameter) -> dict:
    gradient = torch.zeros_like(W) if W.grad is None else W.grad
    return {"W": W.detach().clone(), "gradient": gradient.detach().clone()}


def step(answer: Callable, seed: int) -> list[dict]:
    return [call for kind in OPTIMIZERS for call in _stepped(answer, seed, kind)]


# sae_metrics(model, input_ids, block, sae)


class SmallSAE:
    """What the answer is given: random, with latents that do not fire, and a bad one at that."""

    def __init__(self, seed: int, stream: int, mean: Tensor, spread: float):
        generator = _generator(seed, stream)
        self.W_enc = _normal(generator, D_MODEL, 10)
        self.b_enc = -spread * (1 + _uniform(generator, 10))
        self.W_dec = F.normalize(_normal(generator, 10, D_MODEL), dim=-1) / 3
        self.b_dec = 0.7 * mean + spread * 0.1 * _normal(generator, D_MODEL)

    def encode(self, x: Tensor) -> Tensor:
        return ((x - self.b_dec) @ self.W_enc + self.b_enc).relu()

    def decode(self, features: Tensor) -> Tensor:
        return features @ self.W_dec + self.b_dec

    def __call__(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


METRICS_PLACES = ((LLAMA, 1), (GPT2, N_BLOCKS - 1))


@lru_cache(maxsize=8)
def _metrics_parts(seed: int, number: int) -> tuple[nn.Module, Tensor, int, SmallSAE, Tensor]:
    name, block = METRICS_PLACES[number]
    model = make_model(name, seed)
    generator = _generator(seed, 740 + number)
    ids = _likely(model, 2 + _whole(generator, 40, 4, 1))
    kept = []
    handle = (
        anatomy(model)
        .blocks[block]
        .register_forward_hook(
            lambda module, args, output: kept.append(
                output[0] if isinstance(output, tuple) else output
            )
        )
    )
    with torch.no_grad():
        logits = model(ids).logits
    handle.remove()
    x = kept[0].flatten(0, 1)
    return model, ids, block, SmallSAE(seed, 750 + number, x.mean(0), x.std().item()), logits


def metrics_bench(seed: int, number: int) -> tuple[nn.Module, Tensor, int, SmallSAE, Tensor]:
    """A small random model, ids, a block, a SAE that fits its activations roughly, the logits."""
    return copy.deepcopy(_metrics_parts(seed, number))


def _likely(model: nn.Module, ids: Tensor) -> Tensor:
    """Six tokens a row that the model expects: what is done to it shows in the loss."""
    with torch.no_grad():
        while ids.shape[1] < 6:
            ids = torch.cat([ids, model(ids).logits[:, -1:].argmax(-1)], dim=1)
    return ids


def _metrics(answer: Callable, seed: int, number: int) -> dict:
    model, ids, block, sae, before = metrics_bench(seed, number)
    hooks = _hooks(model)
    call = attempt(_read(answer), model, ids.clone(), block, sae)
    left = _hooks(model)
    with torch.no_grad():
        after = model(ids).logits
    return call | {
        "hooks": left - hooks,
        "same": torch.equal(before, after),
        "training": model.training,
    }


def _hooks(model: nn.Module) -> int:
    mine = 0
    for module in model.modules():
        kinds = (module._forward_hooks, module._forward_pre_hooks)
        mine += sum(
            "transformers" not in getattr(h, "__module__", "") for k in kinds for h in k.values()
        )
    return mine


def metrics(answer: Callable, seed: int) -> list[dict]:
    return [_metrics(answer, seed, number) for number in range(len(METRICS_PLACES))]


# top_contexts(activations, lengths, k, width)


def _activations(generator, docs: int, pos: int, share: float = 0.4) -> Tensor:
    drawn = _uniform(generator, docs, pos)
    return drawn * (_uniform(generator, docs, pos) < share)


def contexts_inputs(seed: int) -> list[tuple]:
    """All of a length, with strong places side by side; k smaller than the documents that fire."""
    generator = _generator(seed, 761)
    inputs = []
    for docs, pos, k, width in ((8, 12, 3, 2), (6, 9, 4, 1), (10, 15, 5, 0)):
        x = _activations(generator, docs, pos, 0.5)
        x[:, pos // 2] += 0.5 + _uniform(generator, docs)
        x[1, pos // 2 : pos // 2 + 3] += 1.0
        inputs.append((x, torch.full((docs,), pos), k, width))
    return inputs


def contexts_edges_inputs(seed: int) -> list[tuple]:
    """The strongest places are the first tokens, or the last."""
    generator = _generator(seed, 762)
    inputs = []
    for place in (0, -1, 1):
        x = _activations(generator, 5, 8)
        x[:, place] += 2
        inputs.append((x, torch.full((5,), 8), 4, 3))
    return inputs


def contexts_padding_inputs(seed: int) -> list[tuple]:
    """Documents of other lengths; behind their ends large values, or (the last ones) infinity."""
    generator = _generator(seed, 763)
    inputs = []
    for docs, pos, k, width in ((6, 12, 4, 3), (5, 10, 5, 2)):
        x = 0.1 + _activations(generator, docs, pos, 0.6)
        lengths = 5 + _whole(generator, pos - 6, docs)
        x[torch.arange(docs), lengths - 1] += 1
        x = torch.where(torch.arange(pos) >= lengths[:, None], x + 5, x)
        inputs.append((x, lengths, k, width))
    return [*inputs, (torch.where(x > 5, math.inf, x), lengths, k, width)]


def contexts_silent_inputs(seed: int) -> list[tuple]:
    """It fires very weakly; not in all documents (one is below 0), in fewer than k; nowhere."""
    generator = _generator(seed, 764)
    x = _activations(generator, 6, 7) + 0.0
    x[:, 3] += 1
    x[1] = 0
    x[4] *= -1
    x[4, 0] = 0
    weak = 1e-6 * (_activations(generator, 4, 9, 0.5) + 0.1)
    weak[:, [0, 1, 7, 8]] = 0
    return [
        (weak, torch.full((4,), 9), 3, 1),
        (x, torch.full((6,), 7), 5, 2),
        (torch.zeros(3, 4), torch.full((3,), 4), 2, 1),
    ]


def contexts_ties_inputs(seed: int) -> list[tuple]:
    """Equal values in a document, and between documents."""
    generator = _generator(seed, 765)
    x = _whole(generator, 2, 6, 9).double()
    x[:, [0, 8]] = 0
    x[:, [2, 6]] = 1
    y = _whole(generator, 3, 8, 10).double()
    y[:, [0, 1, 8, 9]] = 0
    return [(x, torch.full((6,), 9), 4, 1), (y, torch.full((8,), 10), 6, 2)]


def contexts(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, contexts_inputs(seed) + contexts_ties_inputs(seed))


def contexts_edges(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, contexts_edges_inputs(seed))


def contexts_padding(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, contexts_padding_inputs(seed))


def contexts_silent(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, contexts_silent_inputs(seed))


# dark_matter(x, error, x_test, error_test)


def dark_inputs(seed: int) -> list[tuple]:
    """Errors that depend on x in part, with a mean and dimensions of unlike size; the test rows
    come from elsewhere than the training rows."""
    generator = _generator(seed, 771)
    inputs = []
    for rows, test, d in ((60, 30, 4), (90, 40, 6), (50, 25, 3)):
        A, shift = _normal(generator, d, d) / 2, 3 * _normal(generator, d)
        size = torch.linspace(0.4, 2.5, d, dtype=torch.float64)
        pair = []
        for n, at in ((rows, 0.0), (test, 0.8)):
            x = 1.5 + at + _normal(generator, n, d)
            loud = 1 + 0.6 * x[:, :1].abs()
            pair += [x, (x @ A + shift + loud * _normal(generator, n, d)) * size]
        inputs.append(tuple(pair))
    return inputs


def dark(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, dark_inputs(seed))


# matching_pursuit(x, atoms, k)


def _atoms(generator, n: int, d: int) -> Tensor:
    return F.normalize(_normal(generator, n, d), dim=-1)


def pursuit_inputs(seed: int) -> list[tuple]:
    """Several steps, with atoms that are far from orthogonal, and of which some come again."""
    generator = _generator(seed, 781)
    sizes = [(5, 8, 4, 3), (4, 6, 2, 5), (3, 12, 5, 4), (1, 5, 3, 6)]
    return [(_normal(generator, b, d), _atoms(generator, n, d), k) for b, n, d, k in sizes]


def pursuit_once_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 782)
    inputs = [(_normal(generator, 6, 4), _atoms(generator, 7, 4), 1) for _ in range(2)]
    x, atoms, _ = inputs[1]
    return [*inputs, (x, atoms, 0)]


def pursuit(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, pursuit_inputs(seed))


def pursuit_once(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, pursuit_once_inputs(seed))
