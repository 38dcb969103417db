"""Judges of ``sampling.top_k`` and ``sampling.top_p``.

Oracle: each row sorted, its probabilities summed up in float64. Of tied logits, top-k may keep
any k in all or every logit equal to the k-th; top-p any set of the smallest size.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import sampling as probes

TOLERANCE = 1e-5
BOUNDARY_ERRORS = {"IndexError", "RuntimeError", "ValueError"}
INF = torch.inf

_SHARED = {
    "axis/wrong-dimension": (
        "The filter runs over the wrong dimension.",
        "The vocabulary is the last dimension, whatever comes before: dim=-1.",
    ),
    "axis/whole-tensor": (
        "All rows are filtered together, with one threshold.",
        "Each row keeps its own tokens.",
    ),
    "axis/one-row-for-all": (
        "One row decides for all rows.",
        "Each row has its own threshold and its own number of kept tokens.",
    ),
    "axis/last-dimension-lost": (
        "The threshold lost its last dimension, so rows meet columns.",
        "Use keepdim=True, or [..., -1:] or [..., -1, None] instead of [..., -1].",
    ),
    "order/result-in-sorted-order": (
        "The result is in sorted order.",
        "Put the logits back to their own places: scatter with the indices of the sort.",
    ),
    "order/mask-in-sorted-order": (
        "A mask made in sorted order is used on unsorted logits.",
        "Scatter the mask with the indices of the sort first.",
    ),
    "order/unsorted": (
        "The first places are kept; nothing puts the most likely tokens there.",
        "Sort in descending order first.",
    ),
    "direction/keeps-the-unlikely": (
        "The least likely tokens are kept.",
        "Sort in descending order, or turn the comparison round.",
    ),
    "direction/mask-inverted": (
        "What should stay is dropped, and the other way round.",
        "masked_fill and where: is the mask true for what stays or for what goes?",
    ),
    "direction/largest-in-absolute-value": (
        "The largest absolute values are kept.",
        "A logit of -5 is unlikely: compare the logits themselves.",
    ),
    "fill/zero": (
        "Dropped logits are 0, which is not an unlikely logit: after a softmax they come back.",
        "Fill with float('-inf').",
    ),
    "fill/finite": (
        "Dropped logits have a finite value.",
        "Fill with float('-inf'): then the probability is exactly 0.",
    ),
    "fill/plus-infinity": (
        "Dropped logits are +inf: after a softmax nothing else is left.",
        "Fill with float('-inf').",
    ),
    "fill/nan": ("Dropped logits are NaN.", "Fill with float('-inf')."),
    "fill/loses-zero-logits": (
        "A logit of exactly 0 that should stay is dropped.",
        "0 is a logit like any other: keep a mask of what stays instead of looking for zeros.",
    ),
    "fill/multiplies-by-infinity": (
        "Multiplying by infinity gives NaN where the mask is 0.",
        "Use masked_fill or torch.where; 0 * inf is NaN.",
    ),
    "result/probabilities": (
        "The result is probabilities.",
        "Return the logits that stay, unchanged; the softmax comes later.",
    ),
    "result/log-probabilities": (
        "The result is log-probabilities.",
        "Return the logits that stay, unchanged.",
    ),
    "result/changes-kept-logits": (
        "The right tokens stay, but their logits are changed.",
        "Only the dropped ones change.",
    ),
    "result/mask": ("The result is a mask.", "Use it: masked_fill or torch.where."),
    "result/indices": (
        "The result is the indices of the kept tokens.",
        "Return logits of the input's shape.",
    ),
    "result/values-and-indices": (
        "The result is what topk or sort returned: values and indices.",
        "Return one tensor: logits of the input's shape.",
    ),
    "shape/only-the-kept": (
        "The result holds the kept logits only.",
        "Return a tensor of the input's shape, -inf where a token was dropped.",
    ),
    "shape/fails-on-some-batch-shapes": (
        "The function fails on inputs with fewer or more dimensions.",
        "Use dim=-1 and [..., ] so that one row and any batch work alike.",
    ),
    "boundary/keeps-one-too-few": (
        "One token too few is kept.",
        "Is the token on the boundary in or out? Work it out for three tokens on paper.",
    ),
    "boundary/keeps-one-too-many": (
        "One token too many is kept.",
        "Is the token on the boundary in or out? Work it out for three tokens on paper.",
    ),
    "boundary/imprecise": (
        "Close calls at the border are decided wrongly: it looks like a tolerance, a rounding or "
        "half precision.",
        "Compare the numbers as they are, in the dtype of the logits.",
    ),
    "filter/fixed-cap": (
        "However many tokens should stay, no more than a fixed number does.",
        "A vocabulary has hundreds of thousands of tokens: leave out the limit of your own.",
    ),
    "filter/keeps-everything": (
        "Nothing is dropped.",
        "Is the mask used, and its result returned?",
    ),
    "filter/keeps-only-the-best": (
        "Only the most likely token is kept.",
        "How many does each row keep? Print the mask.",
    ),
}

SENTENCES = {
    "sampling.top_k": _SHARED
    | {
        "boundary/k-larger-than-vocabulary": (
            "A k of the vocabulary's size or more does not keep everything.",
            "Use min(k, logits.shape[-1]).",
        ),
        "axis/len-is-the-number-of-rows": (
            "k is limited by the number of rows: that is what len(logits) is.",
            "The size of the vocabulary is logits.shape[-1].",
        ),
        "ties/drops-all-tied": (
            "Where the k-th logit is tied with the next one, all tied ones are dropped.",
            "Comparing with the (k+1)-th logit by > drops both: keep what topk returns, or "
            "compare with the k-th by >=.",
        ),
        "ties/keeps-k-distinct-values": (
            "k distinct values are kept, however often each occurs.",
            "k counts tokens, not values: no unique().",
        ),
        "ties/some-of-the-tied": (
            "Of the logits tied with the k-th, some stay, and there are not k in all.",
            "Keep k tokens, or all tied with the k-th.",
        ),
        "meaning/k-as-threshold": (
            "k is compared with the logits themselves.",
            "k is a number of tokens.",
        ),
        "meaning/k-as-index": (
            "Tokens are kept by their place in the vocabulary.",
            "k is a number of tokens: the most likely ones.",
        ),
        "edge/nan-on-dropped-logits": (
            "Logits that are already -inf turn the result into NaN, or are brought back.",
            "Look for 0 * inf or inf - inf; masked_fill and where are safe.",
        ),
    },
    "sampling.top_p": _SHARED
    | {
        "boundary/keeps-none": (
            "Where one token alone has more than p, none is kept.",
            "The token that makes the sum reach p stays.",
        ),
        "boundary/p-of-one": (
            "p = 1 does not keep everything.",
            "In floating point the sum may end just below 1: what does your code find then?",
        ),
        "ties/keeps-all-tied": (
            "All tokens tied with the last one are kept: not the smallest set.",
            "Count tokens in sorted order instead of comparing with a threshold.",
        ),
        "ties/wrong-set": (
            "Where logits are tied, the set is not a smallest one that reaches p.",
            "Keep a number of tokens in sorted order; which of the tied ones does not matter.",
        ),
        "order/cumulates-unsorted": (
            "The probabilities are summed up in the order of the vocabulary.",
            "Sort them in descending order first.",
        ),
        "scale/cumulates-logits": (
            "Logits are summed up instead of probabilities.",
            "softmax first, over the last dimension.",
        ),
        "scale/softmax-over-wrong-dimension": (
            "The softmax runs over the wrong dimension.",
            "Each row is one distribution: dim=-1.",
        ),
        "meaning/one-minus-p": (
            "The mass 1 - p is kept instead of p.",
            "From the top keep what reaches p; from the bottom drop what stays within 1 - p.",
        ),
        "meaning/probability-of-each-token": (
            "Each token's own probability is compared with p.",
            "It is the sum over the most likely tokens that has to reach p.",
        ),
        "meaning/typical-sampling": (
            "Tokens are kept whose probability is the least surprising: that is typical sampling.",
            "Sort by the probability itself, in descending order.",
        ),
        "scale/softmax-twice": (
            "Probabilities go through a softmax again.",
            "softmax once, of the logits.",
        ),
        "stability/overflows-on-large-logits": (
            "Large logits give a wrong set: exp overflows.",
            "Use a stable softmax: yours from the first exercise, or torch's.",
        ),
        "meaning/min-p": (
            "Tokens are kept relative to the most likely one: that is min-p sampling.",
            "Sum up the sorted probabilities until they reach p.",
        ),
        "meaning/share-of-the-vocabulary": (
            "The share p of the vocabulary is kept.",
            "p is probability mass, not a number of tokens.",
        ),
        "edge/nan-on-dropped-logits": (
            "Logits that are already -inf turn the result into NaN, or are brought back.",
            "Look for 0 * inf or inf - inf; masked_fill and where are safe.",
        ),
    },
}


def top_k_rows(calls: list[dict], seed: int) -> Refusal | None:
    telling = {"filter/fixed-cap": {6}, "boundary/imprecise": {5, 6}}
    return _judged(calls, probes.top_k_rows_inputs(seed), _right_top_k, TOP_K, telling)


def top_k_ties(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.top_k_ties_inputs(seed)
    telling = {"ties/some-of-the-tied": {0, 1, 2, 3}}
    return _judged(calls, inputs, _right_top_k, TOP_K_TIES + TOP_K, telling)


def top_k_edges(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.top_k_edges_inputs(seed)
    telling = {
        "boundary/k-larger-than-vocabulary": {0, 1, 2, 4},
        "edge/nan-on-dropped-logits": {3, 4},
    }
    refusal = _judged(calls[:-1], inputs, _right_top_k, TOP_K_EDGES + TOP_K, telling)
    return refusal or common.device(calls[-1])


def top_p_rows(calls: list[dict], seed: int) -> Refusal | None:
    telling = {"filter/fixed-cap": {4}, "boundary/imprecise": {3, 4}}
    return _judged(calls, probes.top_p_rows_inputs(seed), _right_top_p, TOP_P, telling)


def top_p_shapes(calls: list[dict], seed: int) -> Refusal | None:
    return _judged(calls, probes.top_p_shapes_inputs(seed), _right_top_p, TOP_P, {})


def top_p_ties(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.top_p_ties_inputs(seed)
    telling = {"ties/wrong-set": {0, 1, 2}}
    return _judged(calls, inputs, _right_top_p, TOP_P_TIES + TOP_P, telling)


def top_p_edges(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.top_p_edges_inputs(seed)
    telling = {
        "boundary/p-of-one": {0, 1, 3},
        "edge/nan-on-dropped-logits": {2, 3},
        "stability/overflows-on-large-logits": {6},
    }
    refusal = _judged(calls[:-1], inputs, _right_top_p, TOP_P_EDGES + TOP_P, telling)
    return refusal or common.device(calls[-1])


Right = Callable[[Tensor, float, Tensor], bool]


def _right_top_k(row: Tensor, k: int, seen: Tensor) -> bool:
    """Whether ``seen`` keeps k of the largest logits of one row, or all tied with the k-th."""
    kept = seen > -INF
    if not _unchanged(row, seen, kept):
        return False
    threshold = row.sort(descending=True).values[min(k, len(row)) - 1]
    if threshold == -INF:
        return bool((kept == (row > -INF)).all())
    if not kept[row > threshold].all() or kept[row < threshold].any():
        return False
    return int(kept.sum()) in (k, int((row >= threshold).sum()))


def _right_top_p(row: Tensor, p: float, seen: Tensor) -> bool:
    """Whether ``seen`` keeps the most likely tokens of one row, as few as reach p."""
    kept = seen > -INF
    if not _unchanged(row, seen, kept) or int(kept.sum()) != _count(row, p):
        return False
    largest = row.sort(descending=True).values[: int(kept.sum())]
    return torch.equal(row[kept].sort(descending=True).values, largest)


def _count(row: Tensor, p: float) -> int:
    finite = int((row > -INF).sum())
    mass = row.double().softmax(-1).sort(descending=True).values.cumsum(-1)
    return finite if p == 1 else min(finite, int((mass < p).sum()) + 1)


def _unchanged(row: Tensor, seen: Tensor, kept: Tensor) -> bool:
    return not seen.isnan().any() and common.close(seen[kept], row[kept], TOLERANCE)


def _is_right(call: dict, logits: Tensor, number: float, right: Right) -> bool:
    value = call.get("value")
    if not isinstance(value, Tensor) or value.shape != logits.shape:
        return False
    if not value.is_floating_point():
        return False
    return all(right(row, number, seen) for row, seen in _rows(logits, value))


def _rows(logits: Tensor, seen: Tensor) -> list[tuple[Tensor, Tensor]]:
    size = logits.shape[-1]
    return list(zip(logits.reshape(-1, size), seen.reshape(-1, size), strict=True))


def _wrong(calls: list[dict], inputs: list[tuple], right: Right) -> list[int]:
    return [i for i, call in enumerate(calls) if not _is_right(call, *inputs[i], right)]


def _judged(
    calls: list[dict],
    inputs: list[tuple],
    right: Right,
    candidates: list,
    telling: dict[str, set[int]],
) -> Refusal | None:
    """``telling``: the slug that it is where these calls, and no others, are wrong."""
    wrong = _wrong(calls, inputs, right)
    if not wrong:
        return common.mutation(calls)
    first = wrong[0]
    refusal = _unexplained(calls[first], *inputs[first], right)
    slug = (
        common.explain(calls, wrong, inputs, candidates, TOLERANCE)
        or _fill_slug(calls, wrong, inputs, right)
        or common.explain(_refilled(calls, inputs), wrong, inputs, candidates, TOLERANCE)
        or _general_slug(calls, wrong, inputs, right)
        or _telling_slug(calls, wrong, telling)
    )
    return Refusal(slug or refusal.slug, refusal.expected, refusal.seen)


def _refilled(calls: list[dict], inputs: list[tuple]) -> list[dict]:
    """The calls with -inf in place of what else was put at dropped logits."""
    return [
        call | {"value": _refill(call["value"], logits)[0]} if _comparable(call, logits) else call
        for call, (logits, _) in zip(calls, inputs, strict=True)
    ]


def _comparable(call: dict, logits: Tensor) -> bool:
    value = call.get("value")
    return isinstance(value, Tensor) and value.shape == logits.shape and value.is_floating_point()


def _refill(value: Tensor, logits: Tensor) -> tuple[Tensor, float]:
    """The result with -inf where it is not the input's logit, and what stood there, or -inf."""
    changed = ~torch.isclose(value.double(), logits.double(), rtol=TOLERANCE, atol=TOLERANCE)
    changed &= value != -INF
    filler = value[changed]
    known = filler.numel() and (
        bool((filler == 0).all())
        or bool(filler.isnan().all())
        or bool((filler <= -50).all())
        or bool((filler == INF).all())
    )
    if not known:
        return value, -INF
    return value.masked_fill(changed, -INF), filler[0].item()


def _fill_slug(calls: list[dict], wrong: list[int], inputs: list[tuple], right: Right) -> str:
    """The slug for results that are right but for what stands at dropped logits."""
    for i in wrong:
        logits, number = inputs[i]
        if not _comparable(calls[i], logits):
            continue
        value, filler = _refill(calls[i]["value"], logits)
        if filler != -INF and _is_right({"value": value}, logits, number, right):
            named = {0: "fill/zero", INF: "fill/plus-infinity"}
            return named.get(filler) or ("fill/finite" if filler < 0 else "fill/nan")
    return ""


def _general_slug(calls: list[dict], wrong: list[int], inputs: list[tuple], right: Right) -> str:
    """A slug for what no candidate gives: shapes that fail, or kept logits that are changed."""
    dimensions = [inputs[i][0].dim() for i in wrong]
    passing = [x.dim() for i, (x, _) in enumerate(inputs) if i not in wrong]
    if calls[wrong[0]]["outcome"] == "raised" and passing:
        if not set(dimensions) & set(passing):
            return "shape/fails-on-some-batch-shapes"
    for i in wrong:
        logits, number = inputs[i]
        if _comparable(calls[i], logits) and not calls[i]["value"].isnan().any():
            kept = torch.where(calls[i]["value"] > -INF, logits, -INF)
            if _is_right({"value": kept}, logits, number, right):
                return "result/changes-kept-logits"
    return ""


def _telling_slug(calls: list[dict], wrong: list[int], telling: dict[str, set[int]]) -> str:
    """The slug of the calls that are wrong; an error tells of a boundary, or of nothing."""
    errors = {call["error"] for call in (calls[i] for i in wrong) if call["outcome"] == "raised"}
    for slug, indices in telling.items():
        at_boundary = slug.startswith("boundary/") and errors <= BOUNDARY_ERRORS
        if indices.issuperset(wrong) and (not errors or at_boundary):
            return slug
    return ""


def _unexplained(call: dict, logits: Tensor, setting: float, right: Right) -> Refusal:
    """The refusal that says where the result differs, with a slug for what is wrong in general."""
    shape = list(logits.shape)
    name = "k" if right is _right_top_k else "p"
    setting_text = f"{name} = {common.number(setting)}"
    if call["outcome"] == "raised":
        dtype = str(logits.dtype).removeprefix("torch.")
        return common.raised(call, f"{dtype} logits of shape {shape} for {setting_text}")
    value = call["value"]
    refusal = common.wrong_type(value, f"a tensor of shape {shape}")
    if refusal:
        return refusal
    if list(value.shape) != shape:
        return Refusal("shape/wrong", f"shape {shape}", f"shape {list(value.shape)}")
    if not value.is_floating_point():
        return Refusal("value/not-floating", "logits, floating-point numbers", f"{value.dtype}")
    rows = _rows(logits, value)
    index = next(i for i, (row, seen) in enumerate(rows) if not right(row, setting, seen))
    row, seen = rows[index]
    indices = torch.unravel_index(torch.tensor(index), logits.shape[:-1]) if shape[:-1] else ()
    place = [int(i) for i in indices]
    example = _example(row, setting, right)
    expected, seen = common.difference(example, seen, TOLERANCE, place)
    return Refusal(
        "value/nan" if value.isnan().any() else "value/wrong",
        f"{expected} for the logits {common.numbers(row)} and {setting_text}",
        seen,
    )


def _example(row: Tensor, setting: float, right: Right) -> Tensor:
    count = min(setting, len(row)) if right is _right_top_k else _count(row, setting)
    return _keep(row, row.argsort(descending=True, stable=True)[: int(count)])


def _keep(logits: Tensor, indices: Tensor) -> Tensor:
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, indices, False)
    return logits.masked_fill(dropped, -INF)


# What an answer gives under a misconception.


def _k_of(function):
    """A candidate with k kept within the vocabulary, so that it says what happens elsewhere."""
    return lambda x, k: function(x, min(k, x.shape[-1]))


def _first(x: Tensor, k: int) -> Tensor:
    return _keep(x, x.argsort(dim=-1, descending=True, stable=True)[..., :k])


def _descending(x: Tensor, dim: int = -1) -> Tensor:
    return x.sort(dim=dim, descending=True).values


def _at_least(x: Tensor, threshold: Tensor) -> Tensor:
    return x.masked_fill(x < threshold, -INF)


def _over_dim(dim: int):
    def candidate(x: Tensor, k: int) -> Tensor:
        return _at_least(x, x.topk(k, dim=dim).values.amin(dim=dim, keepdim=True))

    return candidate


def _limited_over_dim(dim: int):
    def candidate(x: Tensor, k: int) -> Tensor:
        return _over_dim(dim)(x, min(k, x.shape[dim]))

    return candidate


def _flat_top_k(x: Tensor, k: int) -> Tensor:
    return _at_least(x, x.flatten().topk(min(k, x.numel())).values[-1])


def _short_top_k(dtype: torch.dtype):
    """Compared in a short dtype."""

    def candidate(x: Tensor, k: int) -> Tensor:
        return x.masked_fill(_k_of(_at_border)(x.to(dtype), k) == -INF, -INF)

    return candidate


def _at_border(x: Tensor, k: int) -> Tensor:
    return _at_least(x, x.topk(k).values[..., -1:])


def _sorted_tail(x: Tensor, k: int) -> Tensor:
    x = _descending(x).clone()
    x[..., k:] = -INF
    return x


def _first_places(x: Tensor, k: int) -> Tensor:
    x = x.clone()
    x[..., k:] = -INF
    return x


def _zero_scatter(x: Tensor, k: int) -> Tensor:
    values, indices = x.topk(k)
    out = torch.zeros_like(x).scatter(-1, indices, values)
    return out.masked_fill(out == 0, -INF)


def _inverted(x: Tensor, kept: Tensor) -> Tensor:
    return torch.where(kept > -INF, -INF, x)


def _absolute(x: Tensor, k: int) -> Tensor:
    return _keep(x, x.abs().topk(k).indices)


def _distinct(x: Tensor, k: int) -> Tensor:
    return torch.stack(
        [_at_least(r, r.unique()[-min(k, len(r.unique()))]) for r in x.reshape(-1, x.shape[-1])]
    ).view_as(x)


def _above_next(x: Tensor, k: int) -> Tensor:
    if k >= x.shape[-1]:
        return x.clone()
    return x.masked_fill(x <= _descending(x)[..., k, None], -INF)


_AXIS = "axis/wrong-dimension"
_LOST = "axis/last-dimension-lost"
_FEW, _MANY = "boundary/keeps-one-too-few", "boundary/keeps-one-too-many"
_UNLIKELY, _INVERTED = "direction/keeps-the-unlikely", "direction/mask-inverted"

_RESULTS = [
    ("result/probabilities", lambda x, kept: kept.softmax(-1)),
    ("result/probabilities", lambda x, kept: x.softmax(-1).masked_fill(kept == -INF, 0)),
    ("result/probabilities", lambda x, kept: x.softmax(-1).masked_fill(kept == -INF, -INF)),
    ("result/log-probabilities", lambda x, kept: kept.log_softmax(-1)),
    ("result/log-probabilities", lambda x, kept: x.log_softmax(-1).masked_fill(kept == -INF, -INF)),
    ("result/mask", lambda x, kept: kept > -INF),
    ("result/mask", lambda x, kept: (kept > -INF).to(x.dtype)),
    ("result/mask", lambda x, kept: kept == -INF),
    ("fill/zero", lambda x, kept: kept.masked_fill(kept == -INF, 0)),
    ("fill/multiplies-by-infinity", lambda x, kept: x + (kept == -INF) * -INF),
    ("fill/multiplies-by-infinity", lambda x, kept: x * (kept > -INF) + (kept == -INF) * -INF),
    ("fill/finite", lambda x, kept: x + (kept == -INF) * -1e9),
    ("fill/finite", lambda x, kept: x + (kept == -INF) * -1e10),
    ("fill/finite", lambda x, kept: x + (kept == -INF) * -1e4),
    (_INVERTED, _inverted),
]


def _results(keep) -> list:
    """Candidates that find the right tokens with ``keep`` and return something else."""
    return [(slug, _result(keep, function)) for slug, function in _RESULTS]


def _result(keep, function):
    return lambda x, number: function(x, keep(x, number))


_keep_top_k = _k_of(_first)

TOP_K = [
    (_FEW, lambda x, k: _first(x, min(k, x.shape[-1]) - 1)),
    (_FEW, _k_of(lambda x, k: x.masked_fill(x <= _descending(x)[..., k - 1, None], -INF))),
    (_MANY, lambda x, k: _first(x, k + 1)),
    (_MANY, lambda x, k: _at_least(x, _descending(x)[..., min(k, x.shape[-1] - 1), None])),
    (_UNLIKELY, _k_of(lambda x, k: _keep(x, x.argsort(dim=-1, stable=True)[..., :k]))),
    (_UNLIKELY, _k_of(lambda x, k: x.masked_fill(x > -(-x).topk(k).values[..., -1:], -INF))),
    (_UNLIKELY, _k_of(lambda x, k: _at_least(x, x.sort(-1).values[..., k - 1, None]))),
    (_INVERTED, _k_of(lambda x, k: x.masked_fill(x > _descending(x)[..., k - 1, None], -INF))),
    ("direction/largest-in-absolute-value", _k_of(_absolute)),
    *((_AXIS, make(dim)) for dim in (0, 1, -2) for make in (_over_dim, _limited_over_dim)),
    *(("boundary/imprecise", _short_top_k(dtype)) for dtype in (torch.half, torch.bfloat16)),
    ("axis/len-is-the-number-of-rows", lambda x, k: _first(x, min(k, len(x)))),
    ("axis/whole-tensor", _flat_top_k),
    ("axis/whole-tensor", lambda x, k: _at_least(x, x.topk(min(k, x.shape[-1])).values.min())),
    (
        "axis/one-row-for-all",
        _k_of(lambda x, k: _at_least(x, x.reshape(-1, x.shape[-1])[0].topk(k).values[-1])),
    ),  # fmt: skip
    (_LOST, lambda x, k: _at_least(x, x.topk(k).values[..., -1])),
    (_LOST, lambda x, k: _at_least(x, x.topk(k, -1)[0][:, -1])),
    (_LOST, lambda x, k: torch.where(x >= x.topk(k).values[..., -1], x, -INF)),
    (_LOST, lambda x, k: torch.where(x < x.topk(k).values[..., -1], -INF, x)),
    (_AXIS, lambda x, k: _at_least(x, x.topk(k).values[-1])),
    ("order/result-in-sorted-order", _k_of(_sorted_tail)),
    ("order/unsorted", _k_of(_first_places)),
    ("fill/loses-zero-logits", _k_of(_zero_scatter)),
    *_results(_keep_top_k),
    ("result/values-and-indices", lambda x, k: tuple(x.topk(k))),
    ("result/indices", lambda x, k: x.topk(k).indices),
    ("result/indices", lambda x, k: x.argsort(-1, descending=True)[..., :k]),
    ("shape/only-the-kept", lambda x, k: x.topk(k).values),
    ("shape/only-the-kept", lambda x, k: x[x >= x.topk(k).values[..., -1:]]),
    ("meaning/k-as-threshold", lambda x, k: x.masked_fill(x < k, -INF)),
    ("meaning/k-as-threshold", lambda x, k: x.masked_fill(x > k, -INF)),
    ("meaning/k-as-index", _k_of(lambda x, k: torch.cat([x[..., :-k] * -INF, x[..., -k:]], -1))),
    ("filter/keeps-everything", lambda x, k: x),
    ("filter/keeps-only-the-best", lambda x, k: _first(x, 1)),
]
TOP_K_TIES = [
    ("ties/keeps-k-distinct-values", _distinct),
    ("ties/drops-all-tied", _above_next),
]
TOP_K_EDGES = [
    (
        "boundary/k-larger-than-vocabulary",
        lambda x, k: _first(x, x.topk(k).values.shape[-1]),
    ),
    ("boundary/k-larger-than-vocabulary", lambda x, k: _first(x, min(k, x.shape[-1] - 1))),
    (
        "boundary/k-larger-than-vocabulary",
        lambda x, k: _at_least(x, x.sort().values[..., -k, None]),
    ),
    (
        "boundary/k-larger-than-vocabulary",
        lambda x, k: torch.full_like(x, -INF) if k > x.shape[-1] else _first(x, k),
    ),
    (
        "boundary/k-larger-than-vocabulary",
        lambda x, k: torch.full_like(x, -INF) if k >= x.shape[-1] else _first(x, k),
    ),
    ("edge/nan-on-dropped-logits", _result(_keep_top_k, lambda x, kept: x * (kept > -INF))),
]


def _sorted(x: Tensor, scores: Tensor | None = None):
    """Probabilities in descending order, their places and their sums, in the input's dtype."""
    probabilities, order = (x.softmax(-1) if scores is None else scores).sort(
        dim=-1, descending=True
    )
    return probabilities, order, probabilities.cumsum(-1)


def _unsort(x: Tensor, order: Tensor, kept: Tensor) -> Tensor:
    return x.masked_fill(~torch.empty_like(kept).scatter(-1, order, kept), -INF)


def _nucleus(x: Tensor, p: float) -> Tensor:
    probabilities, order, mass = _sorted(x.double())
    return _unsort(x, order, (mass - probabilities < p) | (p == 1))


def _by_rule(rule, scores=None):
    """Keep in sorted order where rule(probabilities, mass, p) is true."""

    def candidate(x: Tensor, p: float) -> Tensor:
        probabilities, order, mass = _sorted(x, scores(x) if scores else None)
        return _unsort(x, order, rule(probabilities, mass, p))

    return candidate


def _and_first(kept: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(kept[..., :1]), kept[..., 1:]], -1)


def _and_next(kept: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(kept[..., :1]), kept[..., :-1]], -1)


def _without_last(rule):
    def shorter(q, mass, p):
        kept = rule(q, mass, p)
        return torch.cat([kept[..., 1:], torch.zeros_like(kept[..., :1])], -1)

    return shorter


def _reaches(q: Tensor, mass: Tensor, p: float) -> Tensor:
    return mass - q < p


def _ascending_rule(rule):
    def candidate(x: Tensor, p: float) -> Tensor:
        probabilities, order = x.softmax(-1).sort(dim=-1)
        return _unsort(x, order, rule(probabilities, probabilities.cumsum(-1), p))

    return candidate


def _sorted_order_mask(x: Tensor, p: float) -> Tensor:
    probabilities, _, mass = _sorted(x)
    return x.masked_fill(mass - probabilities >= p, -INF)


def _sorted_order_mask_few(x: Tensor, p: float) -> Tensor:
    return x.masked_fill(_and_first(_sorted(x)[2] <= p).logical_not(), -INF)


def _unsorted_gathered(x: Tensor, p: float) -> Tensor:
    probabilities, order, mass = _sorted(x)
    return x.masked_fill((mass - probabilities >= p).gather(-1, order), -INF)


def _in_sorted_order(x: Tensor, p: float) -> Tensor:
    probabilities, _, mass = _sorted(x)
    return _descending(x).masked_fill(mass - probabilities >= p, -INF)


def _cumulated_unsorted(x: Tensor, p: float) -> Tensor:
    probabilities = x.softmax(-1)
    return x.masked_fill(probabilities.cumsum(-1) - probabilities >= p, -INF)


def _cumulated_over(dim: int, rule):
    def candidate(x: Tensor, p: float) -> Tensor:
        probabilities, order, _ = _sorted(x)
        return _unsort(x, order, rule(probabilities, probabilities.cumsum(dim), p))

    return candidate


def _typical(x: Tensor, p: float) -> Tensor:
    """Locally typical sampling: Meister et al. (2022)."""
    logs = x.log_softmax(-1)
    entropy = -(logs.exp() * logs).nansum(-1, keepdim=True)
    order = (-logs - entropy).abs().argsort(dim=-1)
    probabilities = logs.exp().gather(-1, order)
    return _unsort(x, order, _reaches(probabilities, probabilities.cumsum(-1), p))


def _nucleus_over(dim: int):
    def candidate(x: Tensor, p: float) -> Tensor:
        probabilities, order = x.softmax(dim).sort(dim=dim, descending=True)
        kept = probabilities.cumsum(dim) - probabilities < p
        return x.masked_fill(~torch.empty_like(kept).scatter(dim, order, kept), -INF)

    return candidate


def _flat_nucleus(x: Tensor, p: float) -> Tensor:
    return _nucleus(x.flatten(), p).view_as(x)


def _threshold(x: Tensor, p: float) -> Tensor:
    """Every logit as large as the smallest one in the nucleus."""
    kept = _nucleus(x, p)
    return _at_least(x, kept.masked_fill(kept == -INF, INF).amin(-1, keepdim=True))


def _first_row_count(x: Tensor, p: float) -> Tensor:
    rows = x.reshape(-1, x.shape[-1])
    return _first(x, _count(rows[0], p))


def _largest_count(x: Tensor, p: float) -> Tensor:
    return _first(x, max(_count(row, p) for row in x.reshape(-1, x.shape[-1])))


def _first_row_threshold(x: Tensor, p: float) -> Tensor:
    kept = _nucleus(x.reshape(-1, x.shape[-1])[0], p)
    return _at_least(x, kept[kept > -INF].min())


def _first_index_reaching(x: Tensor, p: float) -> Tensor:
    """The first index whose sum reaches p by argmax, which is 0 where none does."""
    _, order, mass = _sorted(x)
    last = (mass >= p).int().argmax(-1, keepdim=True)
    return _unsort(x, order, torch.arange(x.shape[-1]).expand_as(x) <= last)


def _zero_scatter_p(x: Tensor, p: float) -> Tensor:
    kept = _nucleus(x, p)
    return kept.masked_fill(kept == 0, -INF)


def _share(rounding):
    def candidate(x: Tensor, p: float) -> Tensor:
        return _first(x, max(1, int(rounding(torch.tensor(p * x.shape[-1])))))

    return candidate


_RULES = [
    _reaches,
    lambda q, mass, p: mass <= p,
    lambda q, mass, p: _and_first(mass <= p),
]
_EACH = "meaning/probability-of-each-token"
_LOGITS = "scale/cumulates-logits"

TOP_P = [
    (_FEW, _by_rule(lambda q, mass, p: mass <= p)),
    (_FEW, _by_rule(lambda q, mass, p: _and_first(mass <= p))),
    (_FEW, _by_rule(_without_last(_reaches))),
    (_MANY, _by_rule(lambda q, mass, p: _and_next(_reaches(q, mass, p)))),
    (_MANY, _by_rule(lambda q, mass, p: _and_next(_and_next(_reaches(q, mass, p))))),
    ("meaning/one-minus-p", _by_rule(lambda q, mass, p: mass - q < 1 - p)),
    ("meaning/one-minus-p", _by_rule(lambda q, mass, p: _and_first(mass <= 1 - p))),
    ("meaning/one-minus-p", _by_rule(lambda q, mass, p: mass <= 1 - p)),
    ("meaning/one-minus-p", _ascending_rule(lambda q, mass, p: mass > p)),
    ("meaning/one-minus-p", _ascending_rule(lambda q, mass, p: mass >= p)),
    (_UNLIKELY, _ascending_rule(lambda q, mass, p: mass - q < p)),
    (_UNLIKELY, _ascending_rule(lambda q, mass, p: mass <= p)),
    (_UNLIKELY, _ascending_rule(lambda q, mass, p: _and_first(mass <= p))),
    (_UNLIKELY, _ascending_rule(lambda q, mass, p: mass < 1 - p)),
    (_UNLIKELY, _ascending_rule(lambda q, mass, p: _and_first(mass - q < 1 - p))),
    (_INVERTED, _by_rule(lambda q, mass, p: mass > p)),
    ("order/mask-in-sorted-order", _sorted_order_mask),
    ("order/mask-in-sorted-order", _sorted_order_mask_few),
    ("order/mask-in-sorted-order", _unsorted_gathered),
    ("order/result-in-sorted-order", _in_sorted_order),
    ("order/cumulates-unsorted", _cumulated_unsorted),
    ("order/cumulates-unsorted", lambda x, p: x.masked_fill(x.softmax(-1).cumsum(-1) > p, -INF)),
    *((_AXIS, _nucleus_over(dim)) for dim in (0, 1, -2)),
    *((_AXIS, _cumulated_over(dim, rule)) for dim in (0, 1, -2) for rule in _RULES),
    *(
        ("scale/softmax-twice", _by_rule(rule, lambda x: x.softmax(-1).softmax(-1)))
        for rule in _RULES
    ),
    ("meaning/typical-sampling", _typical),
    *(
        ("scale/softmax-over-wrong-dimension", _by_rule(_reaches, lambda x, d=d: x.softmax(d)))
        for d in (0, 1, -2)
    ),
    ("axis/whole-tensor", _flat_nucleus),
    ("axis/whole-tensor", _by_rule(_reaches, lambda x: x.flatten().softmax(-1).view_as(x))),
    ("axis/one-row-for-all", _first_row_count),
    ("axis/one-row-for-all", _largest_count),
    ("axis/one-row-for-all", _first_row_threshold),
    (_LOGITS, _by_rule(_reaches, lambda x: x)),
    (_LOGITS, _by_rule(lambda q, mass, p: mass <= p, lambda x: x)),
    (_LOGITS, _by_rule(lambda q, mass, p: _and_first(mass <= p), lambda x: x)),
    (_LOGITS, _by_rule(_reaches, lambda x: x.exp())),
    (_EACH, lambda x, p: x.masked_fill(x.softmax(-1) < p, -INF)),
    (_EACH, lambda x, p: x.masked_fill(x.softmax(-1) > p, -INF)),
    (_EACH, lambda x, p: x.masked_fill(x.softmax(-1) < 1 - p, -INF)),
    (_EACH, _by_rule(lambda q, mass, p: _and_first(q >= p))),
    (_EACH, lambda x, p: x.masked_fill(x < p, -INF)),
    (
        "meaning/min-p",
        lambda x, p: x.masked_fill(x.softmax(-1) < p * x.softmax(-1).amax(-1, True), -INF),
    ),  # fmt: skip
    (
        "meaning/min-p",
        lambda x, p: x.masked_fill(x.softmax(-1) < (1 - p) * x.softmax(-1).amax(-1, True), -INF),
    ),  # fmt: skip
    ("meaning/share-of-the-vocabulary", _share(torch.floor)),
    ("meaning/share-of-the-vocabulary", _share(torch.ceil)),
    ("meaning/share-of-the-vocabulary", _share(torch.round)),
    ("fill/loses-zero-logits", _zero_scatter_p),
    *_results(_nucleus),
    ("shape/only-the-kept", lambda x, p: x[_nucleus(x, p) > -INF]),
    ("shape/only-the-kept", lambda x, p: _descending(x)[..., : int((_nucleus(x, p) > -INF).sum())]),
    ("filter/keeps-everything", lambda x, p: x),
    ("filter/keeps-only-the-best", lambda x, p: _first(x, 1)),
]
TOP_P_TIES = [("ties/keeps-all-tied", _threshold)]
TOP_P_EDGES = [
    ("boundary/p-of-one", _first_index_reaching),
    ("boundary/keeps-none", _by_rule(lambda q, mass, p: mass <= p)),
]
