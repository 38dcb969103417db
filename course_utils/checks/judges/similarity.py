"""Judges of ``embeddings.distances``, ``.mean_pooling`` and ``.info_nce``.

Oracles: the formulas, pair by pair and row by row; for the loss, sums of exponentials in float64.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.trace_runs import judged, normal
from course_utils.checks.probes import embeddings as probes

_AXES = {
    "axis/wrong": (
        "The sum runs over the wrong dimension.",
        "Each pair of rows gives one number: sum over the last dimension, the width.",
    ),
    "pairs/row-by-row": (
        "Row i is compared with row i only, which fails where there are not as many of both.",
        "a[:, None] has shape [n, 1, width]; with b it broadcasts to [n, m, width].",
    ),
    "pairs/transposed": (
        "Rows and columns are swapped.",
        "Row i of the table belongs to a[i], column j to b[j].",
    ),
    "result/not-three": (
        "The result is not three tables.",
        "Return euclidean, dot, cosine_distance: three tensors of shape [n, m].",
    ),
    "result/order": (
        "The three tables are in another order.",
        "Return euclidean, dot, cosine_distance.",
    ),
}

SENTENCES = {
    "embeddings.distances": _AXES
    | {
        "euclid/squared": (
            "The square root is missing.",
            "The Euclidean distance is the square root of the sum of squares.",
        ),
        "euclid/manhattan": (
            "These are sums of absolute differences.",
            "Square the differences, sum, take the root.",
        ),
        "euclid/averaged": (
            "The squares are averaged, not summed.",
            "Sum over the width: norm() does it.",
        ),
        "euclid/of-unit-vectors": (
            "The vectors are brought to length 1 before the difference is taken.",
            "The Euclidean distance and the dot product take the vectors as they are.",
        ),
        "euclid/cancels": (
            "The distance of a vector to itself is not 0: |a|² + |b|² - 2 a·b of large numbers "
            "loses all digits.",
            "Take the difference first, (a[:, None] - b).norm(dim=2), or use torch.cdist.",
        ),
        "dot/normalized": (
            "This is the cosine, not the dot product.",
            "The dot product is not divided by anything: a @ b.T.",
        ),
        "dot/absolute": ("The sign of the dot product is lost.", "Leave out abs()."),
        "cosine/absolute": (
            "Opposite vectors come out as equal ones: it looks like 1 - abs(cos).",
            "1 - cos goes from 0 (same direction) over 1 (at right angles) to 2 (opposite).",
        ),
        "cosine/sign": (
            "The sign of the cosine is wrong: opposite vectors come out as the nearest.",
            "1 - cos: the larger the cosine, the smaller the distance.",
        ),
        "cosine/clipped": (
            "Distances above 1 are cut off.",
            "Opposite vectors have distance 2: leave out clamp().",
        ),
        "cosine/similarity": (
            "This is the similarity, not the distance.",
            "A distance is 0 for equal directions: 1 - cos.",
        ),
        "cosine/not-normalized": (
            "1 minus the dot product is the cosine distance of vectors of length 1 only.",
            "Divide by both lengths.",
        ),
        "cosine/one-length": (
            "The dot product is divided by one of the lengths only.",
            "Divide by the length of a[i] and by that of b[j].",
        ),
        "cosine/whole-table": (
            "The length is that of the whole table of vectors.",
            "Each row has a length of its own: norm(dim=1, keepdim=True).",
        ),
        "cosine/squared-lengths": (
            "The squares of the lengths are used.",
            "Divide by the lengths, not by their squares.",
        ),
        "cosine/halved": ("The distance is half of what it is.", "1 - cos, from 0 to 2."),
        "cosine/angle": ("These are angles.", "The cosine distance is 1 - cos, no arccos."),
        "zero/nan": (
            "A vector of zeros gives NaN: 0 / 0.",
            "Divide by max(length, a tiny number), as F.normalize does.",
        ),
        "zero/not-one": (
            "The cosine distance to a vector of zeros is not 1.",
            "Without a direction there is no likeness: cos is taken as 0.",
        ),
    },
    "embeddings.mean_pooling": {
        "mask/ignored": (
            "The padding is averaged too.",
            "Multiply by the mask, and divide by the number of tokens it counts.",
        ),
        "mask/divided-by-all": (
            "The sum is over the tokens, but it is divided by the number of all positions.",
            "Divide by mask.sum(dim=1), which differs from row to row.",
        ),
        "mask/divided-by-batch": (
            "The sum of each row is divided by the number of tokens of the whole batch.",
            "Divide by mask.sum(dim=1, keepdim=True).",
        ),
        "mask/inverted": (
            "The padding is averaged and the tokens are left out.",
            "The mask is 1 where there is a token.",
        ),
        "mask/first-n": (
            "The first n positions are averaged, wherever the tokens stand.",
            "Padding can stand on the left: use the mask itself, not its sum alone.",
        ),
        "mask/last-n": (
            "The last n positions are averaged, wherever the tokens stand.",
            "Padding can stand on the right: use the mask itself, not its sum alone.",
        ),
        "mask/one-more": (
            "The sum is divided by one more than the number of tokens.",
            "Divide by mask.sum(dim=1), but at least by 1: clamp(min=1).",
        ),
        "mask/infinite": (
            "Padding is set to minus infinity, which a mean does not leave out.",
            "That is for a maximum. For a mean multiply by the mask.",
        ),
        "mask/longest-row": (
            "All rows are divided by the number of tokens of the longest.",
            "Each row has its own number of tokens.",
        ),
        "pooling/sum": ("This is the sum of the tokens.", "Divide by their number."),
        "pooling/square-root": (
            "The sum is divided by the root of the number of tokens.",
            "A mean divides by the number itself.",
        ),
        "pooling/cls": (
            "This is the first position's state (CLS pooling).",
            "Average over all tokens.",
        ),
        "pooling/without-ends": (
            "The first token is left out, or the first and the last.",
            "The special tokens belong to the mean: the mask is 1 there.",
        ),
        "pooling/last": ("This is one of the last states.", "Average over all tokens."),
        "pooling/max": ("This is the maximum (max pooling).", "Take the mean."),
        "pooling/normalized": (
            "The mean is brought to length 1.",
            "Return the mean as it is; normalizing is another step.",
        ),
        "axis/batch": ("The mean runs over the batch.", "dim 0 is the batch, dim 1 the tokens."),
        "axis/width": ("The mean runs over the width.", "dim 1 is the tokens."),
        "empty/nan": (
            "A row without tokens gives NaN: 0 / 0.",
            "Divide by the number of tokens, but at least by 1: clamp(min=1).",
        ),
        "empty/not-zero": (
            "A row without tokens does not give zeros.",
            "A sum of nothing is 0; divide it by 1.",
        ),
        "empty/raises": (
            "It fails on a row without tokens.",
            "Such a row gives zeros.",
        ),
        "empty/left-out": (
            "A row without tokens is left out of the result.",
            "Row i of the result belongs to row i of the states: give zeros for it.",
        ),
    },
    "embeddings.info_nce": {
        "direction/images-only": (
            "Only images look for their texts.",
            "Texts look for their images too: the same on logits.T; average the two.",
        ),
        "direction/texts-only": (
            "Only texts look for their images.",
            "Images look for their texts too: average the two.",
        ),
        "direction/summed": (
            "The losses of the two directions are summed.",
            "Take their mean: divide by 2.",
        ),
        "temperature/multiplied": (
            "The cosines are multiplied by the temperature.",
            "Divide: a low temperature makes the differences larger.",
        ),
        "temperature/exponential": (
            "The exponential of the temperature is used.",
            "Divide by the temperature itself; exp belongs to CLIP's logit_scale, its logarithm.",
        ),
        "temperature/ignored": ("The temperature has no effect.", "Divide the cosines by it."),
        "reduction/sum": ("The losses of the pairs are summed.", "Take the mean over the n rows."),
        "reduction/none": ("The losses come one by one.", "Take their mean, a single number."),
        "loss/bits": ("The loss is in bits.", "Natural logarithms: nats."),
        "loss/all-pairs": (
            "The log-probabilities of all pairs are averaged.",
            "Only those of the right pairs, on the diagonal, make the loss.",
        ),
        "softmax/no-log": (
            "Probabilities are averaged, not their logarithms.",
            "A cross-entropy is the mean of -log p: log_softmax, or F.cross_entropy.",
        ),
        "sign/negative": (
            "The loss has the wrong sign.",
            "A cross-entropy is minus the log of a probability: never negative.",
        ),
        "softmax/twice": (
            "A softmax is taken of probabilities.",
            "F.cross_entropy takes logits and does the softmax itself.",
        ),
        "softmax/whole-table": (
            "The softmax runs over the whole table of logits.",
            "Each row is a choice of its own among n.",
        ),
        "denominator/without-the-pair": (
            "The right pair is missing from the denominator.",
            "The probability of the right one is among all n, itself included.",
        ),
        "loss/pairs-only": (
            "Only the similarity of the right pairs counts.",
            "Without the wrong pairs in a denominator all vectors could be the same.",
        ),
        "loss/sigmoid": (
            "Each pair is judged by itself, by a sigmoid.",
            "InfoNCE is a softmax: a choice among n.",
        ),
        "labels/shifted": (
            "The labels are not 0, 1, …, n - 1.",
            "Row i belongs to column i: torch.arange(n).",
        ),
        "vectors/not-normalized": (
            "The loss changes when vectors get longer.",
            "Logits are cosines over the temperature: bring the vectors to length 1 first.",
        ),
        "overflow/exp": (
            "At a low temperature the loss is infinite or NaN: exp of a large logit overflows, or "
            "a probability becomes 0 before its logarithm is taken.",
            "F.cross_entropy, log_softmax and logsumexp subtract the largest logit first.",
        ),
        "overflow/clipped": (
            "The loss is right at a high temperature and wrong at a low one: it looks like clipped "
            "logits, or a small number added inside the logarithm.",
            "F.cross_entropy needs neither.",
        ),
        "gradient/cut": (
            "No gradient reaches the vectors.",
            "Return the tensor itself: .item(), .detach() and numpy() cut it off.",
        ),
        "gradient/partial": (
            "The loss is right, but a part of its gradient is missing.",
            "Images and texts learn in both directions: detach nothing.",
        ),
        "gradient/one-side": (
            "The gradient reaches images or texts, but not both.",
            "Both encoders are to learn: detach neither.",
        ),
    },
}


# distances

EUCLID, DOT, COSINE = range(3)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return F.cosine_similarity(a[:, None], b, dim=2)


def _distances(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    squares = (a[:, None] - b).square().sum(dim=2)
    return squares.sqrt(), (a[:, None] * b).sum(dim=2), 1 - _cosine(a, b)


def distance(part: int):
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        calls, given = [_unpacked(call) for call in calls], probes.ordinary_vectors(seed)
        if refusal := _not_three(calls) or _other_order(calls, given):
            return refusal
        parts = [_part(call, part) for call in calls]

        def right(a: Tensor, b: Tensor) -> Tensor:
            return _distances(a, b)[part]

        general = [("pairs/transposed", lambda a, b: right(a, b).T)]
        return judged(parts, given, right, general + CANDIDATES[part], _sizes)

    return judge


euclid = distance(EUCLID)
dot = distance(DOT)
cosine = distance(COSINE)


def special(calls: list[dict], seed: int) -> Refusal | None:
    calls = [_unpacked(call) for call in calls]
    if refusal := _not_three(calls):
        return refusal
    for call in calls:
        if call["outcome"] == "raised":
            return common.raised(call, "three tables for equal vectors, and for zeros")
    (same, _), (a, b) = probes.special_vectors(seed)
    diagonal = calls[0]["value"][EUCLID]
    if diagonal.shape == (len(same), len(same)):
        own = diagonal.double().diagonal()
        if not bool((own.abs() < 1e-6).all()):
            return Refusal(
                "euclid/cancels", "distance 0 of each vector to itself", common.numbers(own)
            )
    if any(table.double().isnan().any() for table in calls[1]["value"]):
        return Refusal("zero/nan", "no NaN beside a vector of zeros", "NaN")
    table = calls[1]["value"][COSINE].double()
    zeros = torch.zeros(len(a), len(b), dtype=torch.bool)
    zeros[1], zeros[:, 2] = True, True
    if table.shape == zeros.shape and not torch.allclose(table[zeros], torch.tensor(1.0).double()):
        expected = "cosine distance 1 to a vector of zeros"
        return Refusal("zero/not-one", expected, common.numbers(table[zeros]))
    return None


def _unpacked(call: dict) -> dict:
    """The call with its three tables apart, where they came in one tensor."""
    value = call.get("value")
    if isinstance(value, Tensor) and value.dim() == 3 and len(value) == 3:
        return call | {"value": list(value)}
    return call


def _part(call: dict, part: int) -> dict:
    return normal(call | {"value": call["value"][part]}) if "value" in call else call


def _not_three(calls: list[dict]) -> Refusal | None:
    for call in calls:
        if call["outcome"] == "raised" and "must match" in call["text"]:
            return Refusal("pairs/row-by-row", "a table [n, m]", common.error_text(call))
        value = call.get("value")
        if call["outcome"] == "returned":
            is_three = isinstance(value, list) and len(value) == 3
            if not is_three or not all(isinstance(x, Tensor) for x in value):
                if value is None:
                    return Refusal("result/none", "three tables", "None")
                seen = "one tensor" if isinstance(value, Tensor) else f"a {type(value).__name__}"
                return Refusal("result/not-three", "three tensors", seen)
    return None


def _other_order(calls: list[dict], given: list[tuple]) -> Refusal | None:
    for order in itertools.permutations(range(3)):
        if order != (0, 1, 2) and all(_is(call, given[i], order) for i, call in enumerate(calls)):
            names = ["euclidean", "dot", "cosine distance"]
            seen = ", ".join(names[i] for i in order)
            return Refusal("result/order", ", ".join(names), seen)
    return None


def _is(call: dict, arguments: tuple, order: tuple[int, ...]) -> bool:
    tables = _distances(*arguments)
    return call["outcome"] == "returned" and all(
        common.close(seen, tables[i], 1e-6) for seen, i in zip(call["value"], order, strict=True)
    )


def _sizes(a: Tensor, b: Tensor) -> str:
    return f"{len(a)} and {len(b)} vectors of width {a.shape[1]}"


def _lengths(x: Tensor) -> Tensor:
    return x.norm(dim=1)


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x, dim=1)


CANDIDATES = {
    EUCLID: [
        ("euclid/squared", lambda a, b: (a[:, None] - b).square().sum(2)),
        ("euclid/manhattan", lambda a, b: (a[:, None] - b).abs().sum(2)),
        ("euclid/averaged", lambda a, b: (a[:, None] - b).square().mean(2).sqrt()),
        ("euclid/averaged", lambda a, b: (a[:, None] - b).square().mean(2)),
        ("euclid/of-unit-vectors", lambda a, b: (_unit(a)[:, None] - _unit(b)).norm(dim=2)),
        ("axis/wrong", lambda a, b: (a[:, None] - b).norm(dim=1)),
        ("axis/wrong", lambda a, b: (a[:, None] - b).norm(dim=0)),
        ("axis/wrong", lambda a, b: (a[:, None] - b).norm()),
    ],
    DOT: [
        ("dot/normalized", _cosine),
        ("dot/absolute", lambda a, b: (a @ b.T).abs()),
        ("axis/wrong", lambda a, b: (a[:, None] * b).sum(1)),
        ("axis/wrong", lambda a, b: (a[:, None] * b).sum(0)),
    ],
    COSINE: [
        ("cosine/absolute", lambda a, b: 1 - _cosine(a, b).abs()),
        ("cosine/absolute", lambda a, b: 1 - _cosine(a, b).square()),
        ("cosine/sign", lambda a, b: 1 + _cosine(a, b)),
        ("cosine/sign", lambda a, b: _cosine(a, b) - 1),
        ("cosine/clipped", lambda a, b: (1 - _cosine(a, b)).clamp(0, 1)),
        ("cosine/similarity", _cosine),
        ("cosine/not-normalized", lambda a, b: 1 - a @ b.T),
        ("cosine/one-length", lambda a, b: 1 - _unit(a) @ b.T),
        ("cosine/one-length", lambda a, b: 1 - a @ _unit(b).T),
        ("cosine/whole-table", lambda a, b: 1 - a @ b.T / (a.norm() * b.norm())),
        (
            "cosine/squared-lengths",
            lambda a, b: 1 - a @ b.T / torch.outer(_lengths(a) ** 2, _lengths(b) ** 2),
        ),
        ("cosine/halved", lambda a, b: (1 - _cosine(a, b)) / 2),
        ("cosine/angle", lambda a, b: _cosine(a, b).clamp(-1, 1).arccos()),
        ("cosine/angle", lambda a, b: _cosine(a, b).clamp(-1, 1).arccos() / torch.pi),
        ("cosine/angle", lambda a, b: _cosine(a, b).clamp(-1, 1).arccos().rad2deg()),
        ("axis/wrong", lambda a, b: 1 - F.normalize(a, dim=0) @ F.normalize(b, dim=0).T),
    ],
}


# mean_pooling


def pooled(calls: list[dict], seed: int) -> Refusal | None:
    given = probes.padded(seed)
    return judged([normal(c) for c in calls], given, _pooled, POOLING, _states)


def empty(calls: list[dict], seed: int) -> Refusal | None:
    """The row without tokens alone: the others are judged by the other case."""
    call, expected = calls[0], "zeros for a row without tokens"
    if call["outcome"] == "raised":
        refusal = common.raised(call, expected)
        slug = "empty/raises" if refusal.slug == "raises/error" else refusal.slug
        return Refusal(slug, refusal.expected, refusal.seen)
    value = call["value"]
    if refusal := common.wrong_type(value, expected):
        return refusal
    states, _ = probes.without_tokens(seed)[0]
    if value.dim() == 2 and len(value) < len(states):
        return Refusal("empty/left-out", expected, f"shape {list(value.shape)}")
    if value.dim() != 2:
        return None
    row = value[1].double()
    if row.isnan().any():
        return Refusal("empty/nan", expected, common.numbers(row))
    if bool(row.abs().max() > 1e-6):
        return Refusal("empty/not-zero", expected, common.numbers(row))
    return None


def _states(states: Tensor, mask: Tensor) -> str:
    return f"states {list(states.shape)}, tokens {mask.sum(1).tolist()}"


def _by_row(row: Callable[[Tensor, Tensor], Tensor]) -> Callable:
    """What a function of the states and the boolean mask of one row gives for all rows."""
    return lambda states, mask: torch.stack(
        [row(x, m.bool()) for x, m in zip(states, mask, strict=True)]
    )


_pooled = _by_row(lambda x, m: x[m].mean(0))


def _masked_sum(states: Tensor, mask: Tensor) -> Tensor:
    return (states * mask[..., None]).sum(1)


POOLING = [
    ("mask/ignored", lambda states, mask: states.mean(1)),
    ("mask/divided-by-all", lambda s, m: _masked_sum(s, m) / s.shape[1]),
    ("mask/divided-by-batch", lambda s, m: _masked_sum(s, m) / m.sum()),
    ("mask/divided-by-batch", lambda s, m: _masked_sum(s, m) / len(s)),
    ("mask/longest-row", lambda s, m: _masked_sum(s, m) / m.sum(1).max()),
    ("mask/inverted", _by_row(lambda x, m: x[~m].mean(0))),
    ("mask/inverted", lambda s, m: _masked_sum(s, 1 - m) / (1 - m).sum(1, True).clamp(min=1)),
    ("mask/inverted", lambda s, m: _masked_sum(s, 1 - m) / m.sum(1, True)),
    ("mask/first-n", _by_row(lambda x, m: x[: m.sum()].mean(0))),
    ("mask/last-n", _by_row(lambda x, m: x[len(x) - m.sum() :].mean(0))),
    ("mask/one-more", lambda s, m: _masked_sum(s, m) / (m.sum(1, True) + 1)),
    ("mask/infinite", lambda s, m: s.masked_fill(m[..., None] == 0, -torch.inf).mean(1)),
    ("mask/ignored", lambda s, m: s.sum(1) / m.sum(1, True)),
    ("pooling/sum", _masked_sum),
    ("pooling/square-root", lambda s, m: _masked_sum(s, m) / m.sum(1, True).sqrt()),
    ("pooling/cls", lambda s, m: s[:, 0]),
    ("pooling/cls", _by_row(lambda x, m: x[m][0])),
    ("pooling/without-ends", _by_row(lambda x, m: x[m][1:].sum(0) / max(1, int(m.sum()) - 1))),
    ("pooling/without-ends", _by_row(lambda x, m: x[m][1:-1].sum(0) / max(1, int(m.sum()) - 2))),
    ("pooling/without-ends", _by_row(lambda x, m: x[m][1:].mean(0))),
    ("pooling/without-ends", _by_row(lambda x, m: x[m][1:-1].mean(0))),
    ("pooling/last", lambda s, m: s[:, -1]),
    ("pooling/last", _by_row(lambda x, m: x[m][-1])),
    ("pooling/last", _by_row(lambda x, m: x[m.sum() - 1])),
    ("pooling/max", lambda s, m: s.amax(1)),
    ("pooling/max", _by_row(lambda x, m: x[m].amax(0))),
    ("pooling/max", lambda s, m: (s * m[..., None]).amax(1)),
    ("pooling/normalized", lambda s, m: F.normalize(_pooled(s, m), dim=1)),
    ("axis/batch", lambda s, m: s.mean(0)),
    ("axis/batch", lambda s, m: (s * m[..., None]).sum(0) / m.sum(0)[:, None].clamp(min=1)),
    ("axis/batch", lambda s, m: (s * m[..., None]).sum(0) / m.sum(0)[:, None]),
    ("axis/batch", lambda s, m: (s * m[..., None]).mean(0)),
    ("axis/width", lambda s, m: s.mean(2)),
    ("axis/width", lambda s, m: (s * m[..., None]).mean(2)),
]


# info_nce


def loss(calls: list[dict], seed: int) -> Refusal | None:
    given = probes.unit_pairs(seed)
    return judged([normal(c) for c in calls], given, _info_nce, LOSSES, _pairs)


def lengths(calls: list[dict], seed: int) -> Refusal | None:
    """Whether the loss is the same for vectors of any length, whatever it is."""
    expected = "the same loss for vectors of any length"
    for call in calls:
        if call["outcome"] == "raised":
            return common.raised(call, expected)
        if refusal := common.wrong_type(normal(call)["value"], expected):
            return refusal
    of_long, of_unit = (normal(call)["value"].double() for call in calls)
    if not torch.allclose(of_long, of_unit, rtol=1e-6, atol=1e-6):
        seen = f"{common.numbers(of_unit)} at length 1, {common.numbers(of_long)} for longer ones"
        return Refusal("vectors/not-normalized", expected, seen)
    return None


def cold(calls: list[dict], seed: int) -> Refusal | None:
    """Whether the loss is finite at a low temperature, whatever it is; and right, where it is
    right at a high one."""
    low, high = probes.cold_pairs(seed)
    expected = f"a finite loss at temperature {low[2]}"
    for call in calls:
        if call["outcome"] == "raised":
            if call["error"] == "OverflowError":
                return Refusal("overflow/exp", expected, common.error_text(call))
            return common.raised(call, expected)
        value = normal(call)["value"]
        if refusal := common.wrong_type(value, expected):
            return refusal
        if not value.double().isfinite().all():
            return Refusal("overflow/exp", expected, common.numbers(value))
    at_low, at_high = (normal(call)["value"].double() for call in calls)
    if _is_right(at_high, high) and not _is_right(at_low, low):
        told = f"{common.number(_cross_entropies(*low).item())} at temperature {low[2]}"
        return Refusal("overflow/clipped", told, common.numbers(at_low))
    return None


def gradients(calls: list[dict], seed: int) -> Refusal | None:
    """Whether gradients reach both sides; and, where the loss is right, are its gradients."""
    expected = "gradients for images and texts"
    for call, given in zip(calls, probes.unit_pairs(seed), strict=True):
        if call["outcome"] == "raised":
            return common.raised(call, expected)
        value = call["value"]
        if value is None:
            return Refusal("result/none", "a loss", "None")
        if isinstance(value, str):
            return Refusal("gradient/cut", expected, "a result without a gradient")
        loss, *sides = value
        names = [
            name
            for name, x in zip(("images", "texts"), sides, strict=True)
            if x is None or not x.any()
        ]
        if names:
            return Refusal("gradient/one-side", expected, f"none for {' and '.join(names)}")
        if _is_right(loss.double(), given) and not _are_gradients(sides, given):
            return Refusal("gradient/partial", expected, "others than those of the loss")
    return None


def _is_right(loss: Tensor, given: tuple) -> bool:
    return common.close(loss.reshape(-1), _cross_entropies(*given).reshape(-1), 1e-6)


def _are_gradients(sides: list[Tensor], given: tuple) -> bool:
    """Along the vectors' length, which another case judges, they may differ."""
    images, texts = (x.detach().clone().requires_grad_() for x in given[:2])
    with torch.enable_grad():
        right = torch.autograd.grad(_cross_entropies(images, texts, given[2]), [images, texts])
    pairs = zip(sides, right, given[:2], strict=True)
    return all(common.close(_across(x.double(), v), _across(y, v), 1e-6) for x, y, v in pairs)


def _across(gradients: Tensor, unit: Tensor) -> Tensor:
    """The part of each row at right angles to a vector of length 1."""
    return gradients - (gradients * unit).sum(1, keepdim=True) * unit


def _cross_entropies(images: Tensor, texts: Tensor, temperature: float) -> Tensor:
    """The loss, by torch's own function, at any temperature."""
    logits = _logits(images, texts, temperature)
    labels = torch.arange(len(logits))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def _pairs(images: Tensor, texts: Tensor, temperature: float) -> str:
    return f"{len(images)} pairs of width {images.shape[1]} at temperature {temperature}"


def _logits(images: Tensor, texts: Tensor, temperature: float) -> Tensor:
    return _unit(images) @ _unit(texts).T / temperature


def _one_way(logits: Tensor) -> Tensor:
    """The losses of the rows."""
    return logits.exp().sum(1).log() - logits.diagonal()


def _info_nce(images: Tensor, texts: Tensor, temperature: float) -> Tensor:
    return _both(_one_way)(images, texts, temperature)


def _both(rows: Callable[[Tensor], Tensor]) -> Callable:
    """The mean of some losses of rows, over both directions."""

    def of(images: Tensor, texts: Tensor, temperature: float) -> Tensor:
        logits = _logits(images, texts, temperature)
        return (rows(logits).mean() + rows(logits.T).mean()) / 2

    return of


def _labels(move: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def rows(logits: Tensor) -> Tensor:
        labels = move(torch.arange(len(logits)))
        return F.cross_entropy(logits, labels, reduction="none")

    return rows


def _rows(images: Tensor, texts: Tensor, temperature: float) -> Tensor:
    return _one_way(_logits(images, texts, temperature))


def _sigmoids(logits: Tensor) -> Tensor:
    labels = torch.eye(len(logits)).to(logits)
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="none")


def _without_pair(logits: Tensor) -> Tensor:
    others = logits.exp().sum(1) - logits.diagonal().exp()
    return others.log() - logits.diagonal()


def _scaled(by: Callable[[Tensor, int], Tensor]) -> Callable:
    return lambda images, texts, t: by(_info_nce(images, texts, t), len(images))


LOSSES = [
    ("direction/images-only", lambda i, x, t: _one_way(_logits(i, x, t)).mean()),
    ("direction/texts-only", lambda i, x, t: _one_way(_logits(i, x, t).T).mean()),
    ("direction/summed", _scaled(lambda loss, n: 2 * loss)),
    ("temperature/multiplied", lambda i, x, t: _info_nce(i, x, 1 / t)),
    ("temperature/exponential", lambda i, x, t: _info_nce(i, x, math.exp(-t))),
    ("temperature/exponential", lambda i, x, t: _info_nce(i, x, math.exp(t))),
    ("temperature/ignored", lambda i, x, t: _info_nce(i, x, 1.0)),
    ("reduction/sum", _scaled(lambda loss, n: n * loss)),
    ("reduction/sum", _scaled(lambda loss, n: 2 * n * loss)),
    ("reduction/none", lambda i, x, t: (_rows(i, x, t) + _rows(x, i, t)) / 2),
    ("reduction/none", lambda i, x, t: _rows(i, x, t)),
    ("loss/bits", _scaled(lambda loss, n: loss / math.log(2))),
    ("loss/all-pairs", _both(lambda logits: -logits.log_softmax(1))),
    ("softmax/no-log", _both(lambda logits: -logits.softmax(1).diagonal())),
    ("sign/negative", _scaled(lambda loss, n: -loss)),
    ("softmax/twice", _both(lambda logits: _one_way(logits.softmax(1)))),
    ("softmax/twice", _both(lambda logits: _one_way(logits.softmax(0)))),
    (
        "softmax/whole-table",
        lambda i, x, t: -_logits(i, x, t).flatten().log_softmax(0)[:: len(i) + 1].mean(),
    ),
    ("denominator/without-the-pair", _both(_without_pair)),
    ("loss/pairs-only", _both(lambda logits: -logits.diagonal())),
    ("loss/pairs-only", lambda i, x, t: 1 - F.cosine_similarity(i, x).mean()),
    ("loss/pairs-only", lambda i, x, t: -F.cosine_similarity(i, x).mean()),
    (
        "loss/sigmoid",
        lambda i, x, t: _sigmoids(_logits(i, x, t)).mean(),
    ),
    ("loss/sigmoid", lambda i, x, t: _sigmoids(_logits(i, x, t)).sum() / len(i)),
    ("labels/shifted", _both(_labels(torch.zeros_like))),
    ("labels/shifted", _both(_labels(torch.ones_like))),
    ("labels/shifted", _both(_labels(lambda labels: (labels + 1) % len(labels)))),
    ("labels/shifted", _both(_labels(lambda labels: labels.flip(0)))),
]
