"""Judges of ``embeddings.top_k``, ``.recall`` and ``.ivf``.

Oracles: all cosines sorted, query by query; sets; and a loop over the cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.trace_runs import judged as judged_numbers
from course_utils.checks.judges.trace_runs import normal
from course_utils.checks.probes import embeddings as probes

TOLERANCE = 1e-6

_FOUND = {
    "result/not-a-pair": (
        "The result is not a pair of scores and row numbers.",
        "Return two tensors: scores, indices.",
    ),
    "result/order": ("Scores and row numbers are swapped.", "Return scores, indices."),
    "order/farthest": (
        "The least similar vectors are found.",
        "A large cosine is near: sort in descending order, or use topk.",
    ),
    "order/nearest-left-out": (
        "The nearest is left out.",
        "Only a query that is in the corpus itself would find itself: keep the first.",
    ),
    "order/not-sorted": (
        "The right vectors are found, but not in order.",
        "The most similar comes first.",
    ),
    "k/padded": (
        "The result is filled up where there are fewer than k.",
        "Give those that there are, and no more.",
    ),
    "scores/distances": (
        "The scores are distances.",
        "Return the cosines themselves.",
    ),
    "indices/one-off": (
        "The row numbers are one off.",
        "Rows are counted from 0.",
    ),
}

SENTENCES = {
    "embeddings.top_k": _FOUND
    | {
        "measure/dot": (
            "Long vectors win: these are dot products.",
            "Cosines need vectors of length 1, queries and corpus.",
        ),
        "measure/corpus-long": (
            "The queries are brought to length 1, the corpus is not: long vectors win.",
            "Normalize the corpus too, once, when it is given.",
        ),
        "measure/queries-long": (
            "The order is right, but the scores grow with the length of the query.",
            "Normalize the queries too.",
        ),
        "measure/euclid": (
            "The nearest by Euclidean distance are found.",
            "Near is a large cosine.",
        ),
        "measure/absolute": ("Opposite vectors count as near.", "Leave out abs()."),
        "norm/columns": (
            "The columns are brought to length 1.",
            "A vector is a row: F.normalize(…, dim=1).",
        ),
        "norm/whole-corpus": (
            "The corpus is divided by one number.",
            "Each row has a length of its own.",
        ),
        "queries/first-only": (
            "The first query's result is given for all, or alone.",
            "Each row of queries has a result of its own.",
        ),
        "k/larger-than-corpus": (
            "It fails where k is larger than the corpus.",
            "Give all rows then: min(k, n).",
        ),
        "k/too-few": (
            "Fewer rows come back than there are.",
            "Where k is larger than the corpus, give all of it.",
        ),
        "result/transposed": (
            "Queries and results are swapped in the shape.",
            "Row i belongs to query i: [q, k].",
        ),
        "work/normalizes-each-time": (
            "A search goes over the whole corpus more than once, or makes another of its size: it "
            "looks like normalizing at every call.",
            "Normalize in __init__ and keep the result; a search is one matrix product.",
        ),
    },
    "embeddings.recall": {
        "denominator/k": (
            "The hits are divided by k: that is precision.",
            "Divide by the number of relevant items.",
        ),
        "denominator/both": (
            "k and the number of relevant items both count in the denominator.",
            "Recall divides by the number of relevant items alone.",
        ),
        "denominator/smaller": (
            "The hits are divided by the smaller of k and the number of relevant items.",
            "Recall divides by the number of relevant items, also where it is above k.",
        ),
        "hits/any": (
            "A query counts as 1 as soon as anything relevant is found.",
            "Recall is the share of the relevant items that is found.",
        ),
        "hits/all": (
            "A query counts only when everything relevant is found.",
            "Recall is the share of the relevant items that is found.",
        ),
        "result/missed": (
            "This is the share that is missed.",
            "Recall is the share that is found.",
        ),
        "average/first-query": (
            "Only the first query counts.",
            "Take the share of each query, then their mean.",
        ),
        "average/pooled": (
            "All hits are divided by all relevant items: a query with many counts more.",
            "Take the share of each query, then their mean.",
        ),
        "average/sum": ("The shares are summed.", "Take their mean over the queries."),
        "k/ignored": ("The whole ranking counts.", "Only the first k found: row[:k]."),
        "k/one-off": ("One rank too many or too few counts.", "The first k: row[:k]."),
        "k/only-the-first": ("Only the first rank counts.", "All of the first k ranks."),
        "k/only-the-last": ("Only rank k counts.", "All of the first k ranks."),
        "measure/reciprocal-rank": (
            "Early hits count more than late ones.",
            "Within the first k the rank does not matter.",
        ),
        "membership/tensors": (
            "Nothing is ever found: a tensor is never in a set of whole numbers.",
            "row.tolist() gives numbers, which can be compared with those of a set.",
        ),
        "result/percent": ("The result is in percent.", "Give a share, from 0 to 1."),
        "empty/as-zero": (
            "A query without a relevant item counts as 0.",
            "Leave it out: there is nothing that could be found.",
        ),
        "empty/as-one": (
            "A query without a relevant item counts as 1.",
            "Leave it out: there is nothing that could be found.",
        ),
        "empty/moves-rows": (
            "Queries without a relevant item are taken out of one list only: from there on a row "
            "is compared with what belongs to another query.",
            "Take both out together: go over zip(found, relevant).",
        ),
        "empty/stops": (
            "The first query without a relevant item ends the loop.",
            "Go on with the next one: continue, not break or return.",
        ),
        "empty/raises": (
            "It fails on a query without a relevant item.",
            "Leave such queries out of the mean.",
        ),
    },
    "embeddings.ivf": _FOUND
    | {
        "indices/among-candidates": (
            "The numbers are places among the vectors that were compared, not rows of the corpus.",
            "Translate them: rows[top.indices].",
        ),
        "cells/farthest": (
            "The cells farthest from the query are searched.",
            "A large inner product is near.",
        ),
        "cells/one-only": (
            "One cell is searched, whatever n_probe is.",
            "Take the n_probe nearest cells.",
        ),
        "cells/all": (
            "All cells are searched: this is exact search.",
            "Take the n_probe nearest cells only.",
        ),
        "cells/one-off": (
            "One cell too few or too many is searched.",
            "Take n_probe cells.",
        ),
        "cells/until-full": (
            "Where n_probe cells hold fewer than k vectors, more cells are searched.",
            "Search n_probe cells, and return what they hold.",
        ),
        "cells/empty-skipped": (
            "Empty cells do not count: farther ones are searched in their place.",
            "Take the n_probe nearest cells, whatever they hold.",
        ),
        "cells/all-where-empty": (
            "Where the cells hold nothing, all vectors are searched.",
            "Return what they hold, nothing: two tensors of length 0.",
        ),
        "cells/farthest-members": (
            "Each vector is in the cell of the centroid that is farthest from it.",
            "A large inner product is near: argmax.",
        ),
        "cells/stops-when-full": (
            "The search ends as soon as k vectors are found.",
            "A nearer one can be in the next cell: search n_probe cells.",
        ),
        "merge/by-cells": (
            "Vectors of a nearer cell come before nearer vectors of another cell.",
            "Put the vectors of all cells together first, then take the k nearest.",
        ),
        "merge/k-of-each": (
            "Each cell gives k vectors.",
            "k in all: put the cells together first.",
        ),
        "probes/more-than-cells": (
            "It fails where n_probe is larger than the number of cells.",
            "Search all cells then: min(n_probe, number of cells).",
        ),
        "k/more-than-members": (
            "It fails where the cells hold fewer than k vectors, or none.",
            "Give those that there are: min(k, number of candidates).",
        ),
        "work/all-vectors": (
            "Every vector is compared with the query, and some are dropped afterwards.",
            "Compare with the centroids first, then with the members of a few cells.",
        ),
    },
}

Found = list[Tensor]


# Pairs of scores and row numbers


def _pair(call: dict) -> dict:
    """The call with its scores in float64 and its row numbers as whole numbers."""
    value = call.get("value")
    if isinstance(value, list) and len(value) == 2:
        scores, rows = map(_tensor, value)
        if isinstance(scores, Tensor) and isinstance(rows, Tensor):
            if rows.is_floating_point() and bool((rows == rows.round()).all()):
                rows = rows.long()
            return call | {"value": [scores, rows]}
    return call


def _tensor(value: object) -> object:
    """Numbers and lists of them as a tensor, in float64 or int64; anything else as it is."""
    if isinstance(value, list):
        items = [_tensor(item) for item in value]
        if not all(isinstance(x, Tensor) for x in items) or len({x.shape for x in items}) > 1:
            return value
        return torch.stack(items) if items else torch.empty(0, dtype=torch.float64)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return torch.tensor(value, dtype=torch.long if isinstance(value, int) else torch.float64)
    if isinstance(value, Tensor):
        return value.double() if value.is_floating_point() else value.long()
    return value


def judged(
    calls: list[dict],
    given: list[tuple],
    right: Callable[..., Found],
    candidates: list[tuple[str, Callable]],
) -> Refusal | None:
    if any(call.get("mutated") for call in calls):
        return Refusal("mutates/input", "the vectors as they were", "others afterwards")
    calls = [_pair(call) for call in calls]
    expected = [right(*arguments) for arguments in given]
    wrong = [
        i
        for i, call in enumerate(calls)
        if call["outcome"] == "raised" or not _same(call["value"], expected[min(i, len(given) - 1)])
    ]
    if not wrong:
        return None
    first = wrong[0]
    told = _show(expected[min(first, len(given) - 1)])
    if calls[first]["outcome"] == "raised":
        return common.raised(calls[first], told)
    if refusal := _not_a_pair(calls[first]["value"], told):
        return refusal
    slug = common.explain(calls, wrong, given, candidates, TOLERANCE)
    seen, best = calls[first]["value"], expected[first]
    if not slug and _same_when_sorted(seen, best):
        slug = "order/not-sorted"
    if not slug and len(seen[1]) > len(best[1]) and _same([x[: len(best[1])] for x in seen], best):
        slug = "k/padded"
    if not slug and seen[0].shape != best[0].shape:
        shape = f"shapes {list(best[0].shape)} twice"
        slug, told = "shape/wrong", shape
        return Refusal(slug, told, f"shapes {list(seen[0].shape)} and {list(seen[1].shape)}")
    return Refusal(slug or "value/wrong", told, _show(seen))


def _same(value: object, right: Found) -> bool:
    outcomes = ({"outcome": "returned", "value": x} for x in (value, right))
    return common.same(*outcomes, TOLERANCE)


def _same_when_sorted(seen: Found, best: Found) -> bool:
    scores, rows = seen
    if scores.shape != rows.shape or scores.dim() == 0:
        return False
    order = scores.argsort(dim=-1, descending=True)
    return _same([scores.gather(-1, order), rows.gather(-1, order)], best)


def _not_a_pair(value: object, told: str) -> Refusal | None:
    if value is None:
        return Refusal("result/none", told, "None")
    if isinstance(value, list) and len(value) == 2 and all(isinstance(x, Tensor) for x in value):
        return None
    seen = "one tensor" if isinstance(value, Tensor) else f"a {type(value).__name__}"
    return Refusal("result/not-a-pair", told, seen)


def _show(found: Found) -> str:
    scores, rows = found
    return f"scores {common.numbers(scores)}, rows {common.numbers(rows, digits=6)}"


def _top(scores: Tensor, k: int) -> Found:
    """The largest scores of each row, by sorting."""
    order = scores.argsort(dim=-1, descending=True)[..., :k]
    return [scores.gather(-1, order), order]


# top_k


def nearest(calls: list[dict], seed: int) -> Refusal | None:
    vectors, searches = probes.corpus(seed)
    given = [(vectors, *search) for search in searches]
    return judged(calls, given, _nearest, NEAREST)


def small(calls: list[dict], seed: int) -> Refusal | None:
    """The number of results alone; which they are is judged by the other case."""
    vectors, searches = probes.small_corpus(seed)
    n = len(vectors)
    for call in map(_pair, calls):
        told = f"all {n} rows for a k of {n} or more"
        if call["outcome"] == "raised":
            refusal = common.raised(call, told)
            slug = "k/larger-than-corpus" if refusal.slug == "raises/error" else refusal.slug
            return Refusal(slug, told, refusal.seen)
        if refusal := _not_a_pair(call["value"], told):
            return refusal
        shape = list(call["value"][1].shape)
        if shape[-1:] != [n]:
            slug = "k/too-few" if shape and shape[-1] < n else "k/padded"
            return Refusal(slug, told, f"row numbers of shape {shape}")
    return None


def work(calls: list[dict], seed: int) -> Refusal | None:
    """What the searches read and made, alone."""
    vectors, searches = probes.large_corpus(seed)
    told = "one product with the corpus, a number for each row"
    for call in calls:
        if call["outcome"] == "raised":
            return common.raised(call, told)
        reads = sum(call.get("read", [])) / vectors.numel()
        if reads > 1.5 or max(call.get("made", [0]), default=0) >= vectors.numel():
            seen = f"{reads:.1f} times the numbers of the corpus read"
            return Refusal("work/normalizes-each-time", told, seen)
    if (least := min(call.get("bytes", 0) for call in calls)) >= vectors.nbytes:
        seen = f"{least} bytes for copies, of a corpus of {vectors.nbytes}"
        return Refusal("work/normalizes-each-time", told, seen)
    return None


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x, dim=-1)


def _cosines(vectors: Tensor, queries: Tensor) -> Tensor:
    return torch.stack([F.cosine_similarity(vectors, query[None]) for query in queries])


def _nearest(vectors: Tensor, queries: Tensor, k: int) -> Found:
    return _top(_cosines(vectors, queries), k)


def _by(scores: Callable[[Tensor, Tensor], Tensor]) -> Callable:
    return lambda vectors, queries, k: _top(scores(vectors, queries), k)


def _after(change: Callable[[Tensor, Tensor], Found]) -> Callable:
    return lambda vectors, queries, k: change(*_nearest(vectors, queries, k))


def _farthest(vectors: Tensor, queries: Tensor, k: int) -> Found:
    scores, rows = _top(-_cosines(vectors, queries), k)
    return [-scores, rows]


def _euclid(vectors: Tensor, queries: Tensor) -> Tensor:
    return torch.cdist(queries, vectors, compute_mode="donot_use_mm_for_euclid_dist")


def _by_distance(vectors: Tensor, queries: Tensor, k: int) -> Found:
    scores, rows = _top(-_euclid(vectors, queries), k)
    return [-scores, rows]


def _first_query(vectors: Tensor, queries: Tensor, k: int) -> Found:
    return _nearest(vectors, queries[:1].expand_as(queries), k)


NEAREST = [
    ("measure/dot", _by(lambda vectors, queries: queries @ vectors.T)),
    ("measure/corpus-long", _by(lambda vectors, queries: _unit(queries) @ vectors.T)),
    ("measure/queries-long", _by(lambda vectors, queries: queries @ _unit(vectors).T)),
    ("measure/euclid", _by_distance),
    ("measure/euclid", _by(lambda vectors, queries: -_euclid(vectors, queries))),
    ("measure/absolute", _by(lambda vectors, queries: _cosines(vectors, queries).abs())),
    ("norm/columns", _by(lambda v, q: _unit(q) @ F.normalize(v, dim=0).T)),
    ("norm/columns", _by(lambda v, q: F.normalize(q, dim=0) @ F.normalize(v, dim=0).T)),
    ("norm/whole-corpus", _by(lambda v, q: _unit(q) @ (v / v.norm()).T)),
    ("norm/whole-corpus", _by(lambda v, q: q / q.norm() @ (v / v.norm()).T)),
    ("order/farthest", _farthest),
    ("order/farthest", _by(lambda vectors, queries: -_cosines(vectors, queries))),
    ("order/nearest-left-out", lambda v, q, k: [x[:, 1:] for x in _nearest(v, q, k + 1)]),
    ("order/nearest-left-out", lambda v, q, k: [x[:, 1:] for x in _nearest(v, q, k)]),
    ("result/transposed", _after(lambda scores, rows: [scores.T, rows.T])),
    ("order/not-sorted", _after(lambda scores, rows: [scores.flip(-1), rows.flip(-1)])),
    (
        "order/not-sorted",
        _after(lambda s, rows: [s.gather(-1, rows.argsort(-1)), rows.sort(-1).values]),
    ),
    ("scores/distances", _after(lambda scores, rows: [1 - scores, rows])),
    ("scores/distances", _after(lambda s, rows: [(2 - 2 * s).clamp(min=0).sqrt(), rows])),
    ("scores/distances", _after(lambda s, rows: [-(2 - 2 * s).clamp(min=0).sqrt(), rows])),
    ("result/order", _after(lambda scores, rows: [rows.double(), scores])),
    ("result/order", _after(lambda scores, rows: [rows, scores])),
    ("indices/one-off", _after(lambda scores, rows: [scores, rows + 1])),
    ("queries/first-only", _first_query),
    ("queries/first-only", _after(lambda scores, rows: [scores[0], rows[0]])),
    ("queries/first-only", _after(lambda scores, rows: [scores[:1], rows[:1]])),
]


# recall


def ranked(calls: list[dict], seed: int) -> Refusal | None:
    given = probes.rankings(seed)
    if calls and all(_is_zero(call) for call in calls):
        return Refusal(
            "membership/tensors", f"{float(_recall_of(*given[0])):.3g} in the first call", "0"
        )
    return judged_numbers([normal(c) for c in calls], given, _recall_of, RECALLS, _asked)


def nothing_relevant(calls: list[dict], seed: int) -> Refusal | None:
    given = probes.with_nothing_relevant(seed)
    refusal = judged_numbers([normal(c) for c in calls], given, _recall_of, EMPTY, _asked)
    if refusal and refusal.slug == "raises/error":
        return Refusal("empty/raises", refusal.expected, refusal.seen)
    if refusal and refusal.slug == "value/nan":
        return Refusal("empty/raises", refusal.expected, "nan")
    return refusal


def _is_zero(call: dict) -> bool:
    value = normal(call).get("value")
    return isinstance(value, Tensor) and value.numel() == 1 and float(value) == 0


def _asked(found: Tensor, relevant: list[set[int]], k: int) -> str:
    return f"{len(relevant)} queries with {[len(x) for x in relevant]} relevant items, k = {k}"


def _recall_of(found: Tensor, relevant: list[set[int]], k: int) -> Tensor:
    return _shares(lambda hits, wanted, k: hits / wanted)(found, relevant, k)


def _hits(found: Tensor, relevant: list[set[int]], k: int) -> list[int]:
    return [sum(int(x) in w for x in row[:k]) for row, w in zip(found, relevant, strict=True)]


def _number(value: float) -> Tensor:
    return torch.tensor(float(value), dtype=torch.float64)


def _shares(share: Callable[[int, int, int], float]) -> Callable:
    """The mean of share(hits, number of relevant items, k) over queries that have any."""

    def of(found: Tensor, relevant: list[set[int]], k: int) -> Tensor:
        pairs = zip(_hits(found, relevant, k), relevant, strict=True)
        shares = [share(hits, len(wanted), k) for hits, wanted in pairs if wanted]
        return _number(sum(shares) / len(shares))

    return of


def _at(other: Callable[[Tensor, int], tuple[Tensor, int]]) -> Callable:
    """Recall of another part of the ranking."""

    def of(found: Tensor, relevant: list[set[int]], k: int) -> Tensor:
        return _recall_of(other(found, k)[0], relevant, other(found, k)[1])

    return of


def _pooled(found: Tensor, relevant: list[set[int]], k: int) -> Tensor:
    return _number(sum(_hits(found, relevant, k)) / sum(map(len, relevant)))


def _reciprocal(found: Tensor, relevant: list[set[int]], k: int) -> Tensor:
    ranks = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        hits = [rank for rank, x in enumerate(row[:k], start=1) if x in wanted]
        ranks.append(1 / hits[0] if hits else 0.0)
    return _number(sum(ranks) / len(ranks))


def _weighted(weight: Callable[[int, int], float]) -> Callable:
    """Each hit counts by its rank, from 1, and by its number among the hits."""

    def of(found: Tensor, relevant: list[set[int]], k: int) -> Tensor:
        shares = []
        for row, wanted in zip(found.tolist(), relevant, strict=True):
            ranks = [rank for rank, x in enumerate(row[:k], start=1) if x in wanted]
            hits = [weight(rank, number) for number, rank in enumerate(ranks, start=1)]
            shares += [sum(hits) / len(wanted)] if wanted else []
        return _number(sum(shares) / len(shares))

    return of


_average_precision = _weighted(lambda rank, number: number / rank)
_discounted = _weighted(lambda rank, number: 1 / math.log2(rank + 1))


def _moved(found: Tensor, relevant: list[set[int]], k: int) -> Tensor:
    kept = [wanted for wanted in relevant if wanted]
    return _recall_of(found[: len(kept)], kept, k)


def _until_empty(found: Tensor, relevant: list[set[int]], k: int) -> Tensor:
    first = relevant.index(set())
    return _recall_of(found[:first], relevant[:first], k)


def _with_empty(value: float) -> Callable:
    def of(found: Tensor, relevant: list[set[int]], k: int) -> Tensor:
        pairs = zip(_hits(found, relevant, k), relevant, strict=True)
        shares = [hits / len(wanted) if wanted else value for hits, wanted in pairs]
        return _number(sum(shares) / len(shares))

    return of


def _times(factor: Callable[[int], float]) -> Callable:
    return lambda found, relevant, k: _recall_of(found, relevant, k) * factor(len(relevant))


RECALLS = [
    ("denominator/k", _shares(lambda hits, wanted, k: hits / k)),
    ("denominator/smaller", _shares(lambda hits, wanted, k: hits / min(k, wanted))),
    ("denominator/both", _shares(lambda hits, wanted, k: 2 * hits / (k + wanted))),
    ("denominator/both", _shares(lambda hits, wanted, k: hits / (k + wanted - hits))),
    ("denominator/both", _shares(lambda hits, wanted, k: hits / max(k, wanted))),
    ("hits/any", _shares(lambda hits, wanted, k: hits > 0)),
    ("hits/all", _shares(lambda hits, wanted, k: hits == wanted)),
    ("result/missed", _shares(lambda hits, wanted, k: 1 - hits / wanted)),
    ("average/first-query", lambda found, relevant, k: _recall_of(found[:1], relevant[:1], k)),
    ("average/pooled", _pooled),
    ("average/sum", _times(lambda n: n)),
    ("k/ignored", _at(lambda found, k: (found, found.shape[1]))),
    ("k/one-off", _at(lambda found, k: (found, k + 1))),
    ("k/one-off", _at(lambda found, k: (found, k - 1))),
    ("k/one-off", _at(lambda found, k: (found[:, 1:], k))),
    ("k/one-off", _at(lambda found, k: (found[:, 1:], k - 1))),
    ("k/only-the-first", _at(lambda found, k: (found, 1))),
    ("k/only-the-last", _at(lambda found, k: (found[:, k - 1 :], 1))),
    ("measure/reciprocal-rank", _reciprocal),
    ("measure/reciprocal-rank", _average_precision),
    ("measure/reciprocal-rank", _discounted),
    ("result/percent", _times(lambda n: 100)),
]
EMPTY = [
    ("empty/as-zero", _with_empty(0.0)),
    ("empty/as-one", _with_empty(1.0)),
    ("empty/moves-rows", _moved),
    ("empty/stops", _until_empty),
    *RECALLS,
]


# ivf


def few(calls: list[dict], seed: int) -> Refusal | None:
    """An error in the last search, for want of vectors, is another case's."""
    given = _asks(probes.cells(seed), probes.few_cells(seed))
    if len(calls) == len(given) and calls[-1]["outcome"] == "raised":
        calls, given = calls[:-1], given[:-1]
    return judged(calls, given, _ivf, IVF)


def all_cells(calls: list[dict], seed: int) -> Refusal | None:
    refusal = judged(calls, _asks(probes.cells(seed), probes.all_cells(seed)), _ivf, IVF)
    is_last = [call["outcome"] for call in calls] == ["returned", "raised"]
    if refusal and refusal.slug == "raises/error" and is_last:
        return Refusal("probes/more-than-cells", refusal.expected, refusal.seen)
    return refusal


def sparse(calls: list[dict], seed: int) -> Refusal | None:
    refusal = judged(calls, _asks(*probes.sparse_cells(seed)), _ivf, IVF)
    if refusal and refusal.slug == "raises/error":
        return Refusal("k/more-than-members", refusal.expected, refusal.seen)
    return refusal


def ivf_work(calls: list[dict], seed: int) -> Refusal | None:
    """What the searches made, alone."""
    (vectors, _), _ = probes.many_cells(seed)
    told = "scores of the centroids, and of the members of two cells"
    for call in calls:
        if call["outcome"] == "raised":
            return common.raised(call, told)
        most, read = max(call.get("made", [0]), default=0), sum(call.get("read", []))
        if most >= len(vectors) or read >= vectors.numel():
            seen = f"{read} numbers read, of {vectors.numel()} in 60 cells"
            return Refusal("work/all-vectors", told, seen)
    return None


def _asks(given: tuple[Tensor, Tensor], searches: list[tuple]) -> list[tuple]:
    return [(*given, *search) for search in searches]


def _members(vectors: Tensor, centroids: Tensor) -> list[Tensor]:
    nearest = [
        max(range(len(centroids)), key=(centroids @ x).tolist().__getitem__) for x in vectors
    ]
    return [
        torch.tensor([i for i, cell in enumerate(nearest) if cell == c], dtype=torch.long)
        for c in range(len(centroids))
    ]


def _opened(vectors, centroids, query, chosen: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """The members of the chosen cells, of all cells in descending order of nearness."""
    members = _members(vectors, centroids)
    return [members[c] for c in chosen((centroids @ query).argsort(descending=True))]


def _search(chosen: Callable[[Tensor, int], Tensor]) -> Callable:
    def of(vectors, centroids, query, k: int, n_probe: int) -> Found:
        rows = torch.cat(_opened(vectors, centroids, query, lambda cells: chosen(cells, n_probe)))
        scores, places = _top(vectors[rows] @ query, k)
        return [scores, rows[places]]

    return of


_ivf = _search(lambda cells, n: cells[:n])


def _changed(change: Callable[[Tensor, Tensor], Found]) -> Callable:
    return lambda *arguments: change(*_ivf(*arguments))


def _places(vectors, centroids, query, k: int, n_probe: int) -> Found:
    rows = torch.cat(_opened(vectors, centroids, query, lambda cells: cells[:n_probe]))
    return _top(vectors[rows] @ query, k)


def _each_cell(vectors, centroids, query, k: int, n_probe: int) -> Found:
    """k of each cell, cell after cell."""
    parts = []
    for rows in _opened(vectors, centroids, query, lambda cells: cells[:n_probe]):
        scores, places = _top(vectors[rows] @ query, k)
        parts.append((scores, rows[places]))
    return [torch.cat(column) for column in zip(*parts, strict=True)]


def _by_cells(*arguments) -> Found:
    return [x[: arguments[3]] for x in _each_cell(*arguments)]


def _unranked(vectors, centroids, query, k: int, n_probe: int) -> Found:
    rows = torch.cat(_opened(vectors, centroids, query, lambda cells: cells[:n_probe]))[:k]
    return [vectors[rows] @ query, rows]


def _stops(vectors, centroids, query, k: int, n_probe: int) -> Found:
    found: list[Tensor] = []
    for rows in _opened(vectors, centroids, query, lambda cells: cells[:n_probe]):
        found.append(rows)
        if sum(map(len, found)) >= k:
            break
    rows = torch.cat(found)
    scores, places = _top(vectors[rows] @ query, k)
    return [scores, rows[places]]


def _last(vectors, centroids, query, k: int, n_probe: int) -> Found:
    rows = torch.cat(_opened(vectors, centroids, query, lambda cells: cells[:n_probe]))
    scores, places = _top(-(vectors[rows] @ query), k)
    return [-scores, rows[places]]


def _until_full(vectors, centroids, query, k: int, n_probe: int) -> Found:
    found: list[Tensor] = []
    for number, rows in enumerate(_opened(vectors, centroids, query, lambda cells: cells)):
        if number >= n_probe and sum(map(len, found)) >= k:
            break
        found.append(rows)
    rows = torch.cat(found)
    scores, places = _top(vectors[rows] @ query, k)
    return [scores, rows[places]]


def _held(vectors, centroids, query, k: int, n_probe: int) -> Found:
    """Over the nearest cells that hold something."""
    cells = _opened(vectors, centroids, query, lambda cells: cells)
    rows = torch.cat([rows for rows in cells if len(rows)][:n_probe])
    scores, places = _top(vectors[rows] @ query, k)
    return [scores, rows[places]]


def _all_where_empty(vectors, centroids, query, k: int, n_probe: int) -> Found:
    found = _ivf(vectors, centroids, query, k, n_probe)
    return found if len(found[1]) else _top(vectors @ query, k)


def _farthest_members(vectors, centroids, query, k: int, n_probe: int) -> Found:
    farthest = (vectors @ centroids.T).argmin(dim=1)
    cells = (centroids @ query).argsort(descending=True)[:n_probe]
    rows = torch.isin(farthest, cells).nonzero()[:, 0]
    scores, places = _top(vectors[rows] @ query, k)
    return [scores, rows[places]]


IVF = [
    ("indices/among-candidates", _places),
    ("cells/farthest", _search(lambda cells, n: cells.flip(0)[:n])),
    ("cells/one-only", _search(lambda cells, n: cells[:1])),
    ("cells/all", _search(lambda cells, n: cells)),
    ("cells/one-off", _search(lambda cells, n: cells[: n - 1])),
    ("cells/one-off", _search(lambda cells, n: cells[: n + 1])),
    ("cells/one-off", _search(lambda cells, n: cells[1 : n + 1])),
    ("cells/one-off", _search(lambda cells, n: cells[1:n])),
    ("cells/stops-when-full", _stops),
    ("merge/by-cells", _by_cells),
    ("merge/by-cells", _unranked),
    ("merge/k-of-each", _each_cell),
    ("order/farthest", _last),
    ("order/not-sorted", _changed(lambda scores, rows: [scores.flip(0), rows.flip(0)])),
    ("scores/distances", _changed(lambda scores, rows: [1 - scores, rows])),
    ("scores/distances", _changed(lambda s, rows: [(2 - 2 * s).clamp(min=0).sqrt(), rows])),
    ("cells/until-full", _until_full),
    ("cells/empty-skipped", _held),
    ("cells/all-where-empty", _all_where_empty),
    ("cells/farthest-members", _farthest_members),
    ("result/order", _changed(lambda scores, rows: [rows, scores])),
    ("result/order", _changed(lambda scores, rows: [rows.double(), scores])),
    ("indices/one-off", _changed(lambda scores, rows: [scores, rows + 1])),
]
