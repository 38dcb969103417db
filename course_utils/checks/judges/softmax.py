"""Judges of ``sampling.softmax``. Oracle: torch's softmax in float64."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import sampling as probes

TOLERANCE = 1e-5
TOLERANCE_LARGE = 1e-4  # in float32, see large_inputs

SENTENCES = {
    "sampling.softmax": {
        "scale/ignores-temperature": (
            "The temperature has no effect on the result.",
            "Divide the logits by it before anything else; what is done after normalizing to all "
            "probabilities alike cancels out.",
        ),
        "scale/multiplies-by-temperature": (
            "The logits are multiplied by the temperature.",
            "A high temperature flattens the distribution: divide.",
        ),
        "scale/divides-by-temperature-after-softmax": (
            "The probabilities are divided by the temperature; they no longer sum to 1.",
            "Divide the logits, before the exponential.",
        ),
        "scale/wrong-power-of-temperature": (
            "The logits are divided by another power of the temperature.",
            "Divide by the temperature itself.",
        ),
        "scale/temperature-on-one-side": (
            "The temperature is in the numerator or in the sum, but not in both.",
            "Compute the scaled logits once and use them in both places.",
        ),
        "scale/power-without-normalizing": (
            "The probabilities are raised to a power and no longer sum to 1.",
            "Divide the logits by the temperature before the softmax.",
        ),
        "axis/softmax-over-wrong-dimension": (
            "The softmax runs over the wrong dimension.",
            "The vocabulary is the last dimension, whatever comes before: dim=-1.",
        ),
        "axis/whole-tensor": (
            "All rows together sum to 1, instead of each row.",
            "Sum over the last dimension only: sum(dim=-1, keepdim=True).",
        ),
        "shape/sum-without-keepdim": (
            "A sum or maximum over the last dimension lost that dimension, so rows meet columns.",
            "Use keepdim=True.",
        ),
        "formula/not-normalized": (
            "The exponentials are not divided by their sum.",
            "Probabilities sum to 1 over the last dimension.",
        ),
        "formula/no-exponential": (
            "The logits are divided by their sum without an exponential.",
            "Take exp of the scaled logits first.",
        ),
        "formula/other-function": (
            "This is another function than the softmax (a sigmoid, another base, squares …).",
            "exp of each scaled logit, divided by the sum of them over the row.",
        ),
        "formula/softmax-twice": (
            "The softmax is applied twice.",
            "Do the steps by hand or call torch's softmax, not both.",
        ),
        "sign/likely-becomes-unlikely": (
            "The largest logit gets the smallest probability.",
            "Look for a minus sign before the logits.",
        ),
        "result/log-probabilities": (
            "The result is the logarithm of the probabilities.",
            "Take exp, or use softmax instead of log_softmax.",
        ),
        "result/scaled-logits": (
            "The result is the scaled logits, not probabilities.",
            "The exponential and the division by the sum are missing.",
        ),
        "result/one-hot": (
            "The result puts all probability on the largest logit.",
            "Every logit gets its share: no argmax here.",
        ),
        "scale/clamps-the-temperature": (
            "A very high or a very low temperature is replaced by another.",
            "Divide by the temperature itself; only 0 and below are refused.",
        ),
        "errors/refuses-a-good-temperature": (
            "A very high or a very low temperature raises an error.",
            "Every temperature above 0 is allowed.",
        ),
        "scale/integer-division": (
            "The logits are divided with //, which rounds down.",
            "Use /.",
        ),
        "value/low-precision": (
            "The result has only half precision.",
            "Leave out half() and bfloat16(): keep the precision of the logits.",
        ),
        "value/rounded": ("The probabilities are rounded.", "Round only what you print."),
        "stability/overflows-on-large-logits": (
            "exp overflows or underflows: the result for large logits is NaN, infinite or all 0.",
            "Subtract each row's maximum first: the softmax does not change.",
        ),
        "stability/one-maximum-for-all-rows": (
            "One maximum is subtracted from all rows, so a much lower row underflows to 0/0.",
            "Take the maximum of each row: amax(dim=-1, keepdim=True).",
        ),
        "stability/maximum-over-wrong-dimension": (
            "The maximum is taken over the wrong dimension.",
            "Take the maximum of each row: amax(dim=-1, keepdim=True).",
        ),
        "stability/subtracts-something-else": (
            "What is subtracted is not the row's maximum, so exp can still overflow.",
            "Neither the mean nor the largest absolute value will do: amax(dim=-1, keepdim=True).",
        ),
        "stability/maximum-before-temperature": (
            "The maximum is of the logits before the temperature, so exp can still overflow.",
            "Divide by the temperature first, or divide the difference.",
        ),
        "stability/clamps-the-logits": (
            "The logits are cut at a bound: no overflow, but large logits become equal.",
            "Subtract each row's maximum: the differences stay.",
        ),
        "stability/nan-on-dropped-logits": (
            "A logit of -inf (a dropped token) does not get probability 0.",
            "exp(-inf) is 0; look for -inf - -inf or 0 * -inf on the way.",
        ),
        "errors/accepts-any-temperature": (
            "A temperature of 0 or below is accepted.",
            "Before anything else: if temperature <= 0, raise ValueError.",
        ),
        "errors/zero-taken-as-greedy": (
            "A temperature of 0 or below is taken to mean greedy choice.",
            "Here it has to raise: who wants the largest logit asks for argmax.",
        ),
        "errors/prints-instead-of-raising": (
            "Nothing is raised for a bad temperature; the function returns None.",
            "Write raise ValueError(...) instead of printing.",
        ),
        "errors/returns-the-error": (
            "The error is returned, not raised.",
            "Write raise instead of return.",
        ),
        "boundary/accepts-temperature-zero": (
            "A negative temperature raises, 0 does not.",
            "The condition is <= 0.",
        ),
        "boundary/accepts-negative-temperature": (
            "A temperature of 0 raises, a negative one does not.",
            "The condition is <= 0.",
        ),
    }
}


def values(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.softmax_inputs(seed)
    return _judged(calls[:-1], inputs, FORMULAS, TOLERANCE) or common.device(calls[-1])


def large(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.large_inputs(seed)
    refusal = _judged(calls, inputs, STABILITY + FORMULAS, TOLERANCE_LARGE)
    if refusal and refusal.slug in ("value/nan", "value/wrong"):
        slug = _stability_slug(calls)
        return Refusal(slug, refusal.expected, refusal.seen) if slug else refusal
    return refusal


def _stability_slug(calls: list[dict]) -> str:
    """The slug for rows that vanish or are not finite; the last call has logits of -inf."""
    broken = [_is_broken(call.get("value")) for call in calls]
    if any(broken[:-1]):
        return "stability/overflows-on-large-logits"
    return "stability/nan-on-dropped-logits" if broken[-1] else ""


def _is_broken(value: object) -> bool:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return False
    return not bool(value.isfinite().all() and (value != 0).any(-1).all())


def temperatures(calls: list[dict], seed: int) -> Refusal | None:
    *bad, good = calls
    if good["outcome"] == "raised":
        return common.raised(good, f"probabilities for temperature {probes.GOOD_TEMPERATURE}")
    for call in bad:
        if call.get("error") in ("SystemExit", "NameError", "RecursionError"):
            return common.raised(call, "a ValueError")
    accepted = [
        (temperature, call)
        for temperature, call in zip(probes.BAD_TEMPERATURES, bad, strict=True)
        if call["outcome"] != "raised"
    ]
    if not accepted:
        return None
    temperature, call = accepted[0]
    seen = _seen(call["value"])
    slug = _temperature_slug(accepted, probes.temperature_logits(seed))
    return Refusal(slug, f"an error for temperature {temperature:g}", f"the result {seen}")


def _temperature_slug(accepted: list[tuple[float, dict]], logits: Tensor) -> str:
    results = [call["value"] for _, call in accepted]
    if any(value is None for value in results):
        return "errors/prints-instead-of-raising"
    if any(isinstance(value, str) or _is_error(value) for value in results):
        return "errors/returns-the-error"
    odd = [common.wrong_type(value, "") for value in results]
    if any(odd):
        return next(refusal.slug for refusal in odd if refusal)
    one_hot = torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).double()
    if all(isinstance(x, Tensor) and _equal(x.double(), one_hot) for x in results):
        return "errors/zero-taken-as-greedy"
    if all(temperature == 0 for temperature, _ in accepted):
        return "boundary/accepts-temperature-zero"
    if all(temperature < 0 for temperature, _ in accepted):
        return "boundary/accepts-negative-temperature"
    return "errors/accepts-any-temperature"


def _is_error(value: object) -> bool:
    return isinstance(value, dict) and value.get("type", "").endswith(("Error", "Exception"))


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, atol=1e-6)


def _seen(value: object) -> str:
    if isinstance(value, Tensor):
        return common.numbers(value)
    return value["text"] if isinstance(value, dict) else repr(value)[:80]


def _right(logits: Tensor, temperature: float) -> Tensor:
    return torch.softmax(logits.double() / temperature, dim=-1)


def _judged(
    calls: list[dict], inputs: list[tuple], candidates: list, tolerance: float
) -> Refusal | None:
    right = [_right(*arguments) for arguments in inputs]
    wrong = [i for i, call in enumerate(calls) if not _is_right(call, right[i], tolerance)]
    if not wrong:
        return common.mutation(calls)
    first = wrong[0]
    slug = common.explain(calls, wrong, inputs, candidates, tolerance)
    slug = slug or _extreme_slug(calls, wrong, [temperature for _, temperature in inputs])
    plain = _unexplained(calls[first], right[first], *inputs[first], tolerance)
    return Refusal(slug, plain.expected, plain.seen) if slug else plain


def _is_right(call: dict, right: Tensor, tolerance: float) -> bool:
    value = call.get("value")
    return isinstance(value, Tensor) and common.close(value, right, tolerance)


def _extreme_slug(calls: list[dict], wrong: list[int], temperatures: list[float]) -> str:
    """The slug where ValueErrors and the like, and these alone, come with extreme temperatures."""
    others = [t for i, t in enumerate(temperatures) if i not in wrong]
    refused = all(
        calls[i].get("error") in ("ValueError", "AssertionError", "Exception", "RuntimeError")
        and not min(others, default=0) <= temperatures[i] <= max(others, default=torch.inf)
        for i in wrong
    )
    return "errors/refuses-a-good-temperature" if refused else ""


def _unexplained(
    call: dict, right: Tensor, logits: Tensor, temperature: float, tolerance: float
) -> Refusal:
    """The refusal that says where the result differs, with a slug for what is wrong in general."""
    shape = list(right.shape)
    setting = f"logits of shape {shape} and temperature {common.number(temperature)}"
    if call["outcome"] == "raised":
        return common.raised(call, f"probabilities for {setting}")
    value = call["value"]
    refusal = common.wrong_type(value, f"a tensor of shape {shape}")
    if refusal:
        return refusal
    if list(value.shape) != shape:
        return Refusal("shape/wrong", f"shape {shape}", f"shape {list(value.shape)}")
    if not value.is_floating_point():
        return Refusal("value/not-floating", "floating-point numbers", f"{value.dtype}")
    row = tuple(common.first_difference(value, right, tolerance)[:-1])
    expected, seen = common.difference(right[row], value[row], tolerance, row)
    return Refusal(
        "value/nan" if value.isnan().any() else "value/wrong",
        f"{expected} for the logits {common.numbers(logits[row])} "
        f"and temperature {common.number(temperature)}",
        seen,
    )


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    return numerator / denominator.sum(-1, keepdim=True)


def _over(dim: int, z: Tensor) -> Tensor:
    return torch.softmax(z, dim)


def _over_default(z: Tensor) -> Tensor:
    return torch.softmax(z, 0 if z.dim() in (0, 1, 3) else 1)


def _scaled(function):
    return lambda logits, temperature: function(logits / temperature)


def _one_hot(x: Tensor, _: float) -> Tensor:
    return torch.nn.functional.one_hot(x.argmax(-1), x.shape[-1]).double()


def _soft(z: Tensor) -> Tensor:
    return torch.softmax(z, -1)


_NO_KEEPDIM = "shape/sum-without-keepdim"
_WRONG_AXIS = "axis/softmax-over-wrong-dimension"
_OTHER = "formula/other-function"
_CLAMPED = "scale/clamps-the-temperature"

FORMULAS = [
    ("scale/ignores-temperature", lambda x, t: _soft(x)),
    ("scale/multiplies-by-temperature", lambda x, t: _soft(x * t)),
    ("scale/divides-by-temperature-after-softmax", lambda x, t: _soft(x) / t),
    ("scale/divides-by-temperature-after-softmax", lambda x, t: _soft(x / t) / t),
    ("scale/wrong-power-of-temperature", lambda x, t: _soft(x / t**0.5)),
    ("scale/wrong-power-of-temperature", lambda x, t: _soft(x / t**2)),
    ("scale/wrong-power-of-temperature", lambda x, t: _soft(x / (1 + t))),
    ("scale/temperature-on-one-side", lambda x, t: _ratio((x / t).exp(), x.exp())),
    ("scale/temperature-on-one-side", lambda x, t: _ratio(x.exp(), (x / t).exp())),
    ("scale/temperature-on-one-side", lambda x, t: _ratio(x.exp() / t, x.exp() * t)),
    ("scale/power-without-normalizing", lambda x, t: _soft(x) ** (1 / t)),
    ("scale/power-without-normalizing", lambda x, t: _soft(x) ** t),
    ("scale/integer-division", lambda x, t: _soft(x // t)),
    ("value/low-precision", lambda x, t: _soft(x.half() / t)),
    ("value/low-precision", lambda x, t: _soft((x / t).half())),
    ("value/low-precision", lambda x, t: _soft(x / t).half()),
    ("value/low-precision", lambda x, t: _soft(x.bfloat16() / t)),
    ("value/low-precision", lambda x, t: _soft((x / t).bfloat16())),
    ("value/low-precision", lambda x, t: _soft(x / t).bfloat16()),
    (_WRONG_AXIS, _scaled(partial(_over, 0))),
    (_WRONG_AXIS, _scaled(partial(_over, 1))),
    (_WRONG_AXIS, _scaled(partial(_over, -2))),
    (_WRONG_AXIS, _scaled(_over_default)),
    (_WRONG_AXIS, _scaled(lambda z: z.exp() / z.exp().sum(0))),
    (_WRONG_AXIS, _scaled(lambda z: z.exp() / z.exp().sum(1, keepdim=True))),
    (_WRONG_AXIS, _scaled(lambda z: (z - z.amax(1, keepdim=True)).softmax(1))),
    ("axis/whole-tensor", _scaled(lambda z: torch.softmax(z.flatten(), 0).view_as(z))),
    ("axis/whole-tensor", _scaled(lambda z: _stable(z) / _stable(z).sum())),
    (_WRONG_AXIS, _scaled(lambda z: _stable(z) / _stable(z).sum(0))),
    (_NO_KEEPDIM, _scaled(lambda z: z.exp() / z.exp().sum(-1))),
    (_NO_KEEPDIM, _scaled(lambda z: (z - z.max(-1, keepdim=True).values).exp() / z.exp().sum(-1))),
    (_NO_KEEPDIM, _scaled(lambda z: z - z.amax(-1))),
    (_NO_KEEPDIM, _scaled(lambda z: _soft(z - z.amax(-1)))),
    (_NO_KEEPDIM, lambda x, t: _soft((x - x.amax(-1)) / t)),
    (_NO_KEEPDIM, _scaled(lambda z: _stable(z) / _stable(z).sum(-1))),
    ("formula/not-normalized", _scaled(torch.exp)),
    ("formula/not-normalized", _scaled(lambda z: _stable(z))),
    ("formula/no-exponential", _scaled(lambda z: _ratio(z, z))),
    (
        "formula/no-exponential",
        _scaled(lambda z: _ratio(z - z.amin(-1, keepdim=True), z - z.amin(-1, keepdim=True))),
    ),  # fmt: skip
    (_OTHER, _scaled(torch.sigmoid)),
    (_OTHER, _scaled(lambda z: _ratio(torch.sigmoid(z), torch.sigmoid(z)))),
    *(
        (_OTHER, _scaled(lambda z, base=base: _ratio(base**z, base**z)))
        for base in (2, 2.7, 2.71, 2.718, 2.72, 3, 10)
    ),
    (_OTHER, _scaled(lambda z: _ratio(z**2, z**2))),
    (_OTHER, _scaled(lambda z: _ratio(z.abs(), z.abs()))),
    (_OTHER, _scaled(lambda z: _soft(z.abs()))),
    (_OTHER, _scaled(lambda z: _soft(z / z.amax(-1, keepdim=True)))),
    (_OTHER, _scaled(lambda z: _soft(torch.relu(z)))),
    (_OTHER, _scaled(lambda z: z.exp() / (1 + z.exp().sum(-1, keepdim=True)))),
    (_OTHER, _scaled(lambda z: z.exp() / z.exp().norm(dim=-1, keepdim=True))),
    (_OTHER, _scaled(lambda z: z.exp() / z.exp().mean(-1, keepdim=True))),
    ("formula/softmax-twice", _scaled(lambda z: _soft(_soft(z)))),
    ("formula/softmax-twice", lambda x, t: _soft(_soft(x) / t)),
    ("sign/likely-becomes-unlikely", _scaled(lambda z: _soft(-z))),
    ("result/log-probabilities", _scaled(lambda z: torch.log_softmax(z, -1))),
    ("result/scaled-logits", _scaled(lambda z: z)),
    ("result/scaled-logits", _scaled(lambda z: z - z.amax(-1, keepdim=True))),
    ("result/one-hot", _one_hot),
    *(
        ("value/rounded", _scaled(lambda z, n=n: _soft(z).round(decimals=n)))
        for n in (1, 2, 3, 4, 5)
    ),
    *(
        (_CLAMPED, lambda x, t, high=high: _soft(x / min(t, high)))
        for high in (1, 1.5, 2, 3, 4, 5, 10, 20, 25)
    ),
    *(
        (_CLAMPED, lambda x, t, low=low: _soft(x / max(t, low)))
        for low in (1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1)
    ),
]


def _stable(z: Tensor) -> Tensor:
    return (z - z.amax(-1, keepdim=True)).exp()


def _minus(shift, dtype=torch.float32):
    def candidate(logits: Tensor, temperature: float) -> Tensor:
        z = logits.to(dtype) / temperature
        weights = (z - shift(z, logits, temperature)).exp()
        return _ratio(weights, weights)

    return candidate


def _clamped(low: float, high: float, z: Tensor) -> Tensor:
    return _soft(z.clamp(low, high))


def _both(slug: str, shift) -> list:
    """The candidate that subtracts ``shift`` in float32 and in float64: they overflow apart."""
    return [(slug, _minus(shift)), (slug, _minus(shift, torch.float64))]


_OVERFLOWS = "stability/overflows-on-large-logits"
_SOMETHING_ELSE = "stability/subtracts-something-else"

STABILITY = [
    *_both(_OVERFLOWS, lambda z, x, t: 0),
    (_OVERFLOWS, _scaled(lambda z: _ratio(z.exp(), z.exp()).nan_to_num())),
    (_OVERFLOWS, _scaled(lambda z: _ratio(z.exp(), z.exp()).nan_to_num(1.0))),
    *_both("stability/one-maximum-for-all-rows", lambda z, x, t: z.max()),
    *_both("stability/maximum-over-wrong-dimension", lambda z, x, t: z.amax(0, keepdim=True)),
    *_both("stability/maximum-before-temperature", lambda z, x, t: x.amax(-1, keepdim=True)),
    *_both("stability/maximum-before-temperature", lambda z, x, t: x.max()),
    *_both(_SOMETHING_ELSE, lambda z, x, t: z.mean(-1, keepdim=True)),
    *_both(_SOMETHING_ELSE, lambda z, x, t: z.mean()),
    *_both(_SOMETHING_ELSE, lambda z, x, t: z.median(-1, keepdim=True).values),
    *_both(_SOMETHING_ELSE, lambda z, x, t: z.amin(-1, keepdim=True)),
    *_both(_SOMETHING_ELSE, lambda z, x, t: z.abs().amax(-1, keepdim=True)),
    *_both(_SOMETHING_ELSE, lambda z, x, t: z[..., :1]),
    *_both(_SOMETHING_ELSE, lambda z, x, t: 100),
    *(
        ("stability/clamps-the-logits", _scaled(partial(_clamped, low, high)))
        for high in (10, 20, 30, 50, 60, 70, 80, 85, 87, 88, 88.7, 89, 100, 500, 700, 709)
        for low in (-high, -torch.inf)
    ),
]
