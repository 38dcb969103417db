"""Judges of the exercises of ``06b_beyond_the_mean``.

Oracles: the entropy written out in Python; and, for the attack, a perturbation added
by a pre-hook on block 0, with the gradient of the targets' log-probabilities.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.anatomy import anatomy
from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.steering_soberly import normal, show, tensor, valued
from course_utils.checks.probes import beyond_the_mean as probes

_ARCHITECTURE = re.compile(r"no attribute '(model|transformer|embed_tokens|wte|layers|h)'")
_NO_GRADIENT = re.compile(r"does not require grad|does not have a grad_fn")

SENTENCES = {
    "beyond_the_mean.entropy_vector": {
        "mean/not-subtracted": (
            "The plain mean is not subtracted: what all prompts share is in the vector.",
            "Weighted mean minus activations.mean(0).",
        ),
        "mean/alone": ("It is the plain mean.", "The weighted mean minus the plain mean."),
        "mean/reversed": (
            "The sign is reversed: it leads to certainty.",
            "Weighted mean minus plain mean.",
        ),
        "weights/not-divided": (
            "The weights do not add up to 1.",
            "Divide the entropies by their sum.",
        ),
        "weights/divided-by-number": (
            "The entropies are divided by the number of prompts, not by their sum.",
            "Weights of a mean add up to 1.",
        ),
        "weights/softmax": (
            "The weights are a softmax of the entropies.",
            "Divide the entropies by their sum.",
        ),
        "weights/certainty": (
            "Prompts with little doubt weigh more.",
            "The weight is the entropy: large where the choice is open.",
        ),
        "weights/not-entropy": (
            "The weights are made from the probabilities, but are no entropies.",
            "-sum(p log p) over the choices.",
        ),
        "weights/two-choices-only": (
            "It is the entropy of the first choice against all others.",
            "-sum(p log p) over all the choices: there may be more than two.",
        ),
        "weights/of-choices": (
            "The entropy is taken over prompts, not over choices.",
            "Sum over the last dimension of the probabilities.",
        ),
        "split/at-the-median": (
            "It is the mean of uncertain prompts minus that of certain ones.",
            "Every prompt enters with its entropy as its weight.",
        ),
        "probabilities/not-normalized": (
            "The probabilities of the choices do not add up to 1 before the entropy is taken.",
            "probabilities / probabilities.sum(-1, keepdim=True) first.",
        ),
        "probabilities/softmax-again": (
            "A softmax is taken of the probabilities.",
            "They are probabilities already: divide by their sum.",
        ),
        "zero/nan": (
            "Where a choice has probability 0 the result is nan: 0 * log(0).",
            "Its part of the entropy is 0: torch.special.entr, or a mask.",
        ),
        "zero/left-out": (
            "A prompt in which a choice has probability 0 is left out.",
            "Only that choice's part of the entropy is 0.",
        ),
        "zero/clamped": (
            "Small probabilities are raised so much that the entropies change.",
            "torch.special.entr knows that 0 log 0 is 0.",
        ),
        "doubt/accepted": (
            "Where every choice is certain there is no weighted mean, but a vector is returned.",
            "All entropies are 0: raise ValueError.",
        ),
        "doubt/other-error": ("It fails, but not with a ValueError.", "raise ValueError."),
    },
    "beyond_the_mean.attack_step": {
        "loss/sum": (
            "The losses are added up over the targets.",
            "The mean over the targets of a row.",
        ),
        "loss/one-for-all": (
            "There is one loss for all rows.",
            "One for each row: mean over the targets alone.",
        ),
        "loss/per-token": (
            "There is a loss for each token.",
            "The mean over the targets of a row.",
        ),
        "loss/context-too": (
            "The context's own tokens are in the loss.",
            "Only the targets: the last n_targets predictions.",
        ),
        "loss/last-target-only": (
            "Only the last target counts.",
            "The mean over all targets of a row.",
        ),
        "loss/first-target-only": (
            "Only the first target counts.",
            "The mean over all targets of a row.",
        ),
        "loss/off-by-one": (
            "Each target is compared with what is predicted after it.",
            "A target is predicted at the position before it: feed the targets but the last.",
        ),
        "loss/after-the-step": (
            "The losses are those after the step.",
            "Return the losses whose gradient you took.",
        ),
        "loss/sign": ("The sign of the losses is reversed.", "Cross-entropy is positive."),
        "loss/perplexity": ("It is a perplexity.", "The mean cross-entropy, without exp."),
        "place/nothing-added": (
            "The perturbation does not reach the model.",
            "Add it to the embeddings, and give the model inputs_embeds.",
        ),
        "place/end-of-context": (
            "The last positions of the context are perturbed.",
            "The first a positions.",
        ),
        "place/targets": (
            "Positions of the targets are perturbed.",
            "The first a positions of the context.",
        ),
        "place/replaced": (
            "The perturbation takes the place of the embeddings.",
            "Add it to them.",
        ),
        "place/every-position": (
            "Other positions than the first a are perturbed too.",
            "embedded[:, :a] + perturbation.",
        ),
        "rows/first-only": (
            "Every row gets the perturbation of the first one.",
            "Row i of the perturbation belongs to row i of the targets.",
        ),
        "rows/coupled": (
            "All rows make the same step.",
            "Each row has a gradient of its own.",
        ),
        "step/uphill": (
            "The step goes uphill: the loss grows.",
            "perturbation - rate * gradient.sign()",
        ),
        "step/gradient-itself": (
            "The step is the gradient, not its sign.",
            "rate * gradient.sign(): every number moves by rate.",
        ),
        "step/normalized": (
            "The gradient is divided by its norm.",
            "rate * gradient.sign(): every number moves by rate.",
        ),
        "step/rate-ignored": ("The rate has no effect.", "rate * gradient.sign()."),
        "step/alone": (
            "The step is returned, not the perturbation after it.",
            "perturbation - rate * gradient.sign()",
        ),
        "step/none": ("The perturbation has not moved.", "perturbation - rate * gradient.sign()"),
        "gradient/switched-off": (
            "There is no gradient: the perturbation does not ask for one, or no_grad is on.",
            "perturbation = perturbation.detach().requires_grad_(), outside torch.no_grad().",
        ),
        "architecture/one-name": (
            "The code asks for a part that only some models have by that name.",
            "model.get_input_embeddings() finds the embeddings in every model.",
        ),
        "architecture/embedding-weights": (
            "Rows of the embedding matrix are taken, where some models do more than that.",
            "Call the module: model.get_input_embeddings()(ids).",
        ),
        "mutates/gradients": (
            "The gradients of the model's parameters are not as they were.",
            "torch.autograd.grad(loss, perturbation) gives this gradient alone.",
        ),
        "mutates/model": (
            "The model is not as it was: hooks, its mode or its weights.",
            "Leave the model alone.",
        ),
        "result/keeps-graph": (
            "What is returned still holds the graph of the forward pass.",
            "detach() both.",
        ),
        "result/order": ("The results are in the wrong order.", "Return perturbation, losses."),
        "result/two": ("Two results are expected.", "Return perturbation, losses."),
    },
}


# entropy_weighted_vector


def _entropy(row: list[float]) -> float:
    return -sum(p * math.log(p) for p in row if p > 0)


def _entropies(probabilities: Tensor) -> Tensor:
    rows = (probabilities / probabilities.sum(-1, keepdim=True)).tolist()
    return torch.tensor([_entropy(row) for row in rows], dtype=torch.float64)


def _weighted(activations: Tensor, weights: Tensor) -> Tensor:
    """Minus the plain mean."""
    return (weights[:, None] * activations).sum(0) - activations.mean(0)


def _right_vector(activations: Tensor, probabilities: Tensor) -> Tensor:
    entropies = _entropies(probabilities)
    return _weighted(activations, entropies / entropies.sum())


def _by(weigh: Callable) -> Callable:
    """The vector with other numbers in the place of entropies."""

    def vector(activations: Tensor, probabilities: Tensor) -> Tensor:
        numbers = weigh(probabilities)
        return _weighted(activations, numbers / numbers.sum())

    return vector


def _of_normalized(read: Callable) -> Callable:
    return _by(lambda p: read(p / p.sum(-1, keepdim=True)))


def _parts(p: Tensor) -> Tensor:
    return -(p * p.log()).sum(-1)


def _binary(p: Tensor) -> Tensor:
    return _entropies(torch.stack([p[:, 0], 1 - p[:, 0]], -1))


def _over_prompts(activations: Tensor, probabilities: Tensor) -> Tensor:
    columns = probabilities / probabilities.sum(0)
    weights = _entropies(columns.T) if len(columns) == columns.shape[1] else torch.ones(0)
    return _weighted(activations, weights / weights.sum())


def _halves(activations: Tensor, probabilities: Tensor) -> Tensor:
    entropies = _entropies(probabilities)
    high = entropies > entropies.median()
    return activations[high].mean(0) - activations[~high].mean(0)


def _without_zeros(activations: Tensor, probabilities: Tensor) -> Tensor:
    whole = (probabilities > 0).all(-1)
    return _right_vector(activations[whole], probabilities[whole])


def _zeros_weightless(p: Tensor) -> Tensor:
    return torch.where((p > 0).all(-1), _entropies(p), 0)


_VECTORS = [
    ("zero/nan", lambda a, p: _right_vector(a, p) * (math.nan if (p == 0).any() else 1)),
    ("mean/not-subtracted", lambda a, p: _right_vector(a, p) + a.mean(0)),
    ("mean/alone", lambda a, p: a.mean(0)),
    ("mean/reversed", lambda a, p: -_right_vector(a, p)),
    ("weights/not-divided", lambda a, p: _weighted(a, _entropies(p))),
    ("weights/not-divided", lambda a, p: _entropies(p) @ a),
    ("weights/not-divided", lambda a, p: _entropies(p) @ (a - a.mean(0))),
    ("weights/divided-by-number", lambda a, p: _weighted(a, _entropies(p) / len(p))),
    ("weights/divided-by-number", lambda a, p: _entropies(p) @ a / len(p)),
    ("weights/divided-by-number", lambda a, p: _entropies(p) @ (a - a.mean(0)) / len(p)),
    ("weights/softmax", lambda a, p: _weighted(a, _entropies(p).softmax(0))),
    ("weights/certainty", _by(lambda p: 1 / _entropies(p))),
    ("weights/certainty", _by(lambda p: math.log(p.shape[1]) - _entropies(p))),
    ("weights/certainty", _by(lambda p: 1 - _entropies(p))),
    ("weights/certainty", _by(lambda p: _entropies(p).max() - _entropies(p))),
    ("weights/certainty", _by(lambda p: (-_entropies(p)).exp())),
    ("weights/two-choices-only", _of_normalized(_binary)),
    ("weights/not-entropy", _of_normalized(lambda p: p.amax(-1))),
    ("weights/not-entropy", _of_normalized(lambda p: 1 - p.amax(-1))),
    ("weights/not-entropy", _of_normalized(lambda p: 1 - p.square().sum(-1))),
    ("weights/not-entropy", _of_normalized(lambda p: p.std(-1))),
    ("weights/not-entropy", _of_normalized(lambda p: p.log().sum(-1))),
    ("weights/not-entropy", _of_normalized(lambda p: p[:, 0])),
    ("weights/of-choices", _over_prompts),
    ("split/at-the-median", _halves),
    ("probabilities/not-normalized", _by(_parts)),
    ("probabilities/not-normalized", _by(lambda p: torch.special.entr(p).sum(-1))),
    ("probabilities/not-normalized", _by(lambda p: _parts(p / p.sum() * len(p)))),
    ("probabilities/softmax-again", _by(lambda p: _entropies(p.softmax(-1)))),
    ("zero/left-out", _without_zeros),
    ("zero/left-out", _by(_zeros_weightless)),
    *(
        ("zero/clamped", _by(lambda p, least=least: _parts(p.clamp(min=least))))
        for least in (1e-1, 1e-2, 1e-3)
    ),
]


def weighted(calls: list[dict], seed: int) -> Refusal | None:
    return valued(calls, probes.weighted_inputs(seed), _right_vector, _VECTORS)


def part_of_the_mass(calls: list[dict], seed: int) -> Refusal | None:
    return valued(calls, probes.part_inputs(seed), _right_vector, _VECTORS)


def certain(calls: list[dict], seed: int) -> Refusal | None:
    return valued(calls, probes.certain_inputs(seed), _right_vector, _VECTORS)


def all_certain(calls: list[dict], seed: int) -> Refusal | None:
    [call] = calls
    if call["outcome"] != "raised":
        seen = show(tensor(call["value"]))
        return Refusal("doubt/accepted", "ValueError, for every choice is certain", seen)
    if call["error"] == "ValueError":
        return None
    refusal = common.raised(call, "ValueError, for every choice is certain")
    known = refusal.slug != "raises/error"
    return refusal if known else Refusal("doubt/other-error", refusal.expected, refusal.seen)


# attack_step


class Attacked:
    """One request, and what losses and steps are under each misconception."""

    def __init__(self, request: tuple, seed: int):
        name, self.context, self.targets, self.perturbation, self.rate = request
        self.name, self.model = name, probes.trained_model(name, seed).requires_grad_(False)
        self.n_targets = self.targets.shape[1]
        rows = self.context.expand(len(self.targets), -1)
        self.full = torch.cat([rows, self.targets], 1)

    def logits(self, ids: Tensor, add: Callable, perturbation: Tensor) -> Tensor:
        """`add(stream, perturbation)` changes what enters block 0."""

        def enter(block, args, kwargs):
            given = args[0] if args else kwargs["hidden_states"]
            moved = add(given, perturbation)
            if args:
                return (moved, *args[1:]), kwargs
            return args, kwargs | {"hidden_states": moved}

        block = anatomy(self.model).blocks[0]
        handle = block.register_forward_pre_hook(enter, with_kwargs=True)
        logits = self.model(input_ids=ids, use_cache=False).logits
        handle.remove()
        return logits

    def losses(self, add: Callable, read: Callable, perturbation: Tensor) -> Tensor:
        logits = self.logits(self.full, add, perturbation).log_softmax(-1)
        return read(self, logits)

    def gradient(self, add: Callable, read: Callable) -> tuple[Tensor, Tensor]:
        """Losses and their gradient, 0 where the perturbation does not matter."""
        with torch.enable_grad():
            moving = self.perturbation.clone().requires_grad_()
            losses = self.losses(add, read, moving)
            if not losses.requires_grad:
                return losses, torch.zeros_like(moving)
            [gradient] = torch.autograd.grad(losses.sum(), moving)
        return losses.detach(), gradient

    def step(self, gradient: Tensor) -> Tensor:
        return self.perturbation - self.rate * gradient.sign()

    def right(self) -> tuple[Tensor, Tensor]:
        losses, gradient = self.gradient(_first, _mean)
        return self.step(gradient), losses

    def candidates(self) -> list[tuple[str, Tensor | None, Tensor | None]]:
        """(slug, perturbation after the step, losses); None: as it is right."""
        losses, gradient = self.gradient(_first, _mean)
        after = self.step(gradient)
        made = [(slug, *self.gradient(add, read)) for slug, add, read in _VARIANTS]
        found = [(slug, self.step(g), values) for slug, values, g in made]
        found += [(slug, None, values) for slug, values, _ in made]
        later = self.losses(_first, _mean, after)
        n = self.n_targets
        found += [
            ("loss/sum", None, losses * n),
            ("loss/one-for-all", None, losses.mean()),
            ("loss/one-for-all", None, losses.sum()),
            ("loss/one-for-all", None, losses.sum() * n),
            ("loss/after-the-step", None, later),
            ("loss/sign", None, -losses),
            ("loss/perplexity", None, losses.exp()),
            ("step/uphill", self.perturbation + self.rate * gradient.sign(), None),
            ("step/rate-ignored", self.perturbation - gradient.sign(), None),
            ("step/alone", -self.rate * gradient.sign(), None),
            ("step/alone", self.rate * gradient.sign(), None),
            ("step/none", self.perturbation, None),
        ]
        shared = gradient.sum(0, keepdim=True).expand_as(gradient)
        found += [("rows/coupled", self.step(shared), None)]
        for scale in (1, n, 1 / len(losses)):
            moved = self.perturbation - self.rate * gradient * scale
            found += [("step/gradient-itself", moved, None)]
        for dims in ((-2, -1), (-1,), (0, 1, 2)):
            unit = gradient / gradient.square().sum(dims, keepdim=True).sqrt()
            found += [("step/normalized", self.perturbation - self.rate * unit, None)]
        return found


def _first(stream: Tensor, perturbation: Tensor) -> Tensor:
    a = perturbation.shape[1]
    return torch.cat([stream[:, :a] + perturbation, stream[:, a:]], 1)


def _replaced(stream: Tensor, perturbation: Tensor) -> Tensor:
    return torch.cat([perturbation, stream[:, perturbation.shape[1] :]], 1)


def _of_first_row(stream: Tensor, perturbation: Tensor) -> Tensor:
    return _first(stream, perturbation[:1].expand_as(perturbation))


def _nothing(stream: Tensor, perturbation: Tensor) -> Tensor:
    return stream


def _every(stream: Tensor, perturbation: Tensor) -> Tensor:
    times = -(-stream.shape[1] // perturbation.shape[1])
    return stream + perturbation.repeat(1, times, 1)[:, : stream.shape[1]]


def _before_targets(n_targets: int) -> Callable:
    """At the last positions in front of so many targets, as many as there are."""

    def add(stream: Tensor, perturbation: Tensor) -> Tensor:
        end = stream.shape[1] - n_targets
        start = max(0, end - perturbation.shape[1])
        middle = stream[:, start:end] + perturbation[:, start - end :]
        return torch.cat([stream[:, :start], middle, stream[:, end:]], 1)

    return add


def _token_losses(log_p: Tensor, ids: Tensor) -> Tensor:
    return -log_p.gather(-1, ids[..., None])[..., 0]


def _all(attacked: Attacked, log_p: Tensor) -> Tensor:
    return _token_losses(log_p[:, :-1], attacked.full[:, 1:])


def _mean(attacked: Attacked, log_p: Tensor) -> Tensor:
    return _all(attacked, log_p)[:, -attacked.n_targets :].mean(-1)


def _with_context(attacked: Attacked, log_p: Tensor) -> Tensor:
    return _all(attacked, log_p).mean(-1)


def _last_target(attacked: Attacked, log_p: Tensor) -> Tensor:
    return _all(attacked, log_p)[:, -1]


def _first_target(attacked: Attacked, log_p: Tensor) -> Tensor:
    return _all(attacked, log_p)[:, -attacked.n_targets]


def _at_itself(attacked: Attacked, log_p: Tensor) -> Tensor:
    return _token_losses(log_p, attacked.full)[:, -attacked.n_targets :].mean(-1)


def _per_token(attacked: Attacked, log_p: Tensor) -> Tensor:
    return _all(attacked, log_p)[:, -attacked.n_targets :]


_VARIANTS = [
    ("loss/context-too", _first, _with_context),
    ("loss/last-target-only", _first, _last_target),
    ("loss/first-target-only", _first, _first_target),
    ("loss/off-by-one", _first, _at_itself),
    ("loss/per-token", _first, _per_token),
    ("place/nothing-added", _nothing, _mean),
    ("place/replaced", _replaced, _mean),
    ("place/every-position", _every, _mean),
    ("place/end-of-context", _before_targets(4), _mean),
    ("place/end-of-context", _before_targets(1), _mean),
    ("place/targets", _before_targets(0), _mean),
    ("rows/first-only", _of_first_row, _mean),
]


def _pairs(calls: list[dict], requests: list[tuple]) -> list[list] | Refusal:
    """Of each call the perturbation and the losses."""
    found = []
    for call, request in zip(map(normal, calls), requests, strict=True):
        shape, batch = list(request[3].shape), len(request[2])
        expected = f"a perturbation of shape {shape} and {batch} losses ({request[0]})"
        if call["outcome"] == "raised":
            return _raised(call, expected)
        value = call["value"]
        if not isinstance(value, list) or len(value) != 2:
            seen = f"{len(value)} results" if isinstance(value, list) else show(value)
            missing = value is None or isinstance(value, dict)
            refusal = common.wrong_type(value, expected) if missing else None
            return refusal or Refusal("result/two", expected, seen)
        if not all(isinstance(x, Tensor) for x in value):
            return Refusal("result/wrong-type", expected, ", ".join(map(show, value)))
        if list(value[1].shape) == shape and list(value[0].shape) != shape:
            return Refusal("result/order", expected, "losses and a perturbation")
        found.append(value)
    return found


def _raised(call: dict, expected: str) -> Refusal:
    refusal = common.raised(call, expected)
    if call["error"] == "AttributeError" and _ARCHITECTURE.search(call["text"]):
        return Refusal("architecture/one-name", expected, refusal.seen)
    if _NO_GRADIENT.search(call["text"]):
        return Refusal("gradient/switched-off", expected, refusal.seen)
    return refusal


def _judged(calls: list[dict], requests: list[tuple], seed: int, part: int) -> Refusal | None:
    """Judges the perturbation (part 0) or the losses (part 1)."""
    pairs = _pairs(calls, requests)
    if isinstance(pairs, Refusal):
        return pairs
    for pair, request in zip(pairs, requests, strict=True):
        attacked = Attacked(request, seed)
        right = attacked.right()
        if _near(pair[part], right[part]):
            continue
        expected, seen = show(right[part]), show(pair[part])
        return Refusal(_slug(attacked, pair, right, part), f"{expected} ({attacked.name})", seen)
    return None


def _near(one: object, right: Tensor) -> bool:
    """A number of the gradient that is almost 0 may have either sign."""
    if not isinstance(one, Tensor) or one.shape != right.shape:
        return False
    apart = (one.double() - right).abs() > 1e-4 * (1 + right.abs())
    return bool(apart.double().mean() <= 0.01)


def _slug(attacked: Attacked, pair: list, right: tuple, part: int) -> str:
    """The first misconception that gives both results, else the first that gives this one."""
    whole, this = [], []
    for slug, *made in attacked.candidates():
        made = [right[i] if x is None else x for i, x in enumerate(made)]
        fits = [_near(x, y) for x, y in zip(pair, made, strict=True)]
        whole += [slug] * all(fits)
        this += [slug] * fits[part]
    if whole or this:
        return (whole + this)[0]
    if pair[part].shape != right[part].shape:
        return "loss/one-for-all" if part and pair[part].numel() == 1 else "shape/wrong"
    return "value/nan" if pair[part].isnan().any() else "value/wrong"


def step(calls: list[dict], seed: int) -> Refusal | None:
    return _judged(calls, probes.attack_inputs(seed), seed, 0)


def losses(calls: list[dict], seed: int) -> Refusal | None:
    return _judged(calls, probes.attack_inputs(seed), seed, 1)


def attack_elsewhere(calls: list[dict], seed: int) -> Refusal | None:
    """Where either losses or step are right, the other is a matter of its own case."""
    requests = probes.elsewhere_inputs(seed)
    refusals = [_judged(calls, requests, seed, part) for part in (1, 0)]
    refusal = refusals[0] if all(refusals) else None
    if refusal and refusal.slug == "value/wrong" and "gemma" in refusal.expected:
        return Refusal("architecture/embedding-weights", refusal.expected, refusal.seen)
    return refusal


def traces(calls: list[dict], seed: int) -> Refusal | None:
    """What was left behind: results are judged by the other cases."""
    for call in calls:
        if "gradients" in call["left"]:
            return Refusal("mutates/gradients", "the parameters' .grad as it was", "others")
        changed = [name for name in call["left"] if name not in ("gradients", "graph")]
        if changed:
            return Refusal("mutates/model", "the model as it was", f"other {changed[0]}")
        if call.get("mutated"):
            return common.mutation([call])
        if "graph" in call["left"]:
            return Refusal("result/keeps-graph", "detached tensors", "requires_grad=True")
    return None
