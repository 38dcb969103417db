"""Judges of ``embeddings.distances``, ``.mean_pooling`` and ``.info_nce``.

Oracles: the formulas, pair by pair and row by row; for the loss, sums of exponentials in float64.
"""

from __future__ import annotations

import itertools
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
        "temperature/ignored": ("The temperature has no effect.", "Divide the cosines by it."),
        "reduction/sum": ("The losses of the pairs are summed.", "Take the mean over the n rows."),
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
            "At a low temperature the loss is infinite or NaN: exp of a large logit overflows.",
            "F.cross_entropy or logsumexp subtract the largest logit first.",
        ),
        "gradient/cut": (
            "No gradient reaches the vectors.",
            "Return the tensor itself: .item(), .detach() and numpy() cut it off.",
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
        given = probes.ordinary_vectors(seed)
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
    if value.dim() != 2 or len(value) < 2:
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
    ("mask/ignored", lambda s, m: s.sum(1) / m.sum(1, True)),
    ("pooling/sum", _masked_sum),
    ("pooling/square-root", lambda s, m: _masked_sum(s, m) / m.sum(1, True).sqrt()),
    ("pooling/cls", lambda s, m: s[:, 0]),
    ("pooling/cls", _by_row(lambda x, m: x[m][0])),
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
    """Whether the loss is finite at a low temperature, whatever it is."""
    expected = "a finite loss at temperature 0.0005"
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
    return None


def gradients(calls: list[dict], seed: int) -> Refusal | None:
    expected = "gradients for images and texts"
    for call in calls:
        if call["outcome"] == "raised":
            return common.raised(call, expected)
        value = call["value"]
        if value is None:
            return Refusal("result/none", "a loss", "None")
        if isinstance(value, str):
            return Refusal("gradient/cut", expected, "a result without a gradient")
        if any(x is None or not x.any() for x in value):
            sides = [
                name
                for name, x in zip(("images", "texts"), value, strict=True)
                if x is None or not x.any()
            ]
            return Refusal("gradient/one-side", expected, f"none for {' and '.join(sides)}")
    return None


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
    ("temperature/ignored", lambda i, x, t: _info_nce(i, x, 1.0)),
    ("reduction/sum", _scaled(lambda loss, n: n * loss)),
    ("reduction/sum", _scaled(lambda loss, n: 2 * n * loss)),
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
        lambda i, x, t: F.binary_cross_entropy_with_logits(
            _logits(i, x, t), torch.eye(len(i)).to(i)
        ),
    ),
    ("labels/shifted", _both(_labels(torch.zeros_like))),
    ("labels/shifted", _both(_labels(lambda labels: (labels + 1) % len(labels)))),
    ("labels/shifted", _both(_labels(lambda labels: labels.flip(0)))),
]
