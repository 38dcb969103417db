"""Judges of ``causal_tracing.average`` and ``.induction_scores``: tables of numbers.

Oracles: NumPy's mean and standard deviation, fact by fact; and a loop over the tokens.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.trace_runs import judged, normal
from course_utils.checks.probes import tracing as probes

SENTENCES = {
    "causal_tracing.average": {
        "average/tokens-pooled": (
            "Every token counts as much as every other, so that a fact with a long subject counts "
            "more.",
            "Average the tokens of a role within each fact first, then the facts.",
        ),
        "average/median": ("This is the median over facts.", "Take the mean."),
        "average/sum": ("Effects are added up, not averaged.", "Take the mean."),
        "average/first-token-of-role": (
            "Of the tokens of a role only the first counts.",
            "Average all tokens of a role within a fact.",
        ),
        "average/summed-in-fact": (
            "The tokens of a role are added up within a fact.",
            "Average them within a fact.",
        ),
        "average/absolute": (
            "The signs of the effects are lost.",
            "A negative effect is a finding too: average without abs().",
        ),
        "lacking/as-zero": (
            "A fact without a role counts as if its effect there were 0.",
            "Leave it out: the mean is over the facts that have the role.",
        ),
        "lacking/spreads": (
            "A role that one fact lacks is nan for all.",
            "Leave that fact out: the mean is over the facts that have the role.",
        ),
        "lacking/left-out-everywhere": (
            "A fact that lacks one role is left out of all of them.",
            "Leave it out of that role alone.",
        ),
        "lacking/raises": (
            "It fails on a prompt that lacks a role.",
            "A subject of one token has no first and no middle token: leave the fact out there.",
        ),
        "interval/standard-deviation": (
            "The interval is that of single facts, not of their mean.",
            "Divide the standard deviation by the square root of the number of facts.",
        ),
        "interval/n-not-root": (
            "The standard deviation is divided by n, not by its square root.",
            "The standard error of a mean is s / sqrt(n).",
        ),
        "interval/population": (
            "The standard deviation is divided by n, not by n - 1.",
            "The facts are a sample: torch.std does n - 1 by default, numpy.std needs ddof=1.",
        ),
        "interval/one-standard-error": (
            "The half-width is one standard error.",
            "95 % of a normal distribution lie within 1.96 of them.",
        ),
        "interval/full-width": (
            "This is the whole width of the interval.",
            "Return half of it: mean ± half.",
        ),
        "interval/rounded": ("The factor is 2, not 1.96.", "1.96 standard errors."),
        "interval/variance": (
            "The variance is used where the standard deviation belongs.",
            "s is the square root of the variance.",
        ),
        "interval/tokens-counted": (
            "The tokens are counted, not the facts.",
            "n is the number of facts with the role: the tokens of one prompt are no "
            "independent measurements.",
        ),
        "interval/all-facts-counted": (
            "n is the number of all facts.",
            "n is the number of facts that have the role.",
        ),
        "interval/bounds": (
            "These are bounds of the interval, not its half-width.",
            "Return mean, half.",
        ),
        "roles/last-subject-one-too-far": (
            "The token after the subject is taken for its last.",
            "The subject's last token is at subject.stop - 1.",
        ),
        "roles/single-is-first": (
            "The only token of a short subject is taken for its first.",
            "The only token of a subject is its last.",
        ),
        "roles/last-token-twice": (
            "The prompt's last token plays another role too.",
            "It is the last token and nothing else: further tokens end before it, and a subject "
            "that ends the prompt has no last token of its own.",
        ),
        "roles/middle-holds-all": (
            "The middle holds all of the subject's tokens.",
            "The middle is what lies between the subject's first and last token.",
        ),
        "shape/transposed": (
            "Rows and columns are swapped.",
            "A row for each block, a column for each role.",
        ),
        "result/order": ("The two results are in the wrong order.", "Return mean, half."),
    },
    "causal_tracing.induction_scores": {
        "key/same-token": (
            "The key is the same token in the first copy, not the one after it.",
            "A token at q was last seen at q - n; the key is q - n + 1.",
        ),
        "key/two-after": (
            "The key is two tokens after the same token in the first copy.",
            "A token at q was last seen at q - n; the key is q - n + 1.",
        ),
        "key/before": (
            "The key is the token before the same token in the first copy.",
            "A token at q was last seen at q - n; the key is q - n + 1.",
        ),
        "key/previous-token": (
            "The key is the previous token: these are previous-token heads.",
            "A token at q was last seen at q - n; the key is q - n + 1.",
        ),
        "key/first-token": (
            "The key is the first token: these are heads that rest there.",
            "A token at q was last seen at q - n; the key is q - n + 1.",
        ),
        "queries/one-too-many": (
            "The last token of the first copy is among the queries.",
            "The queries are the tokens of the second copy: n to 2n - 1.",
        ),
        "queries/first-missing": (
            "The first token of the second copy is left out.",
            "The queries are the tokens of the second copy: n to 2n - 1.",
        ),
        "queries/last-missing": (
            "The last token of the second copy is left out.",
            "The queries are the tokens of the second copy: n to 2n - 1.",
        ),
        "queries/last-only": (
            "Only the last token is a query.",
            "Average over all tokens of the second copy.",
        ),
        "queries/divided-by-all": (
            "The sum is divided by the number of all tokens.",
            "Average over the n tokens of the second copy.",
        ),
        "index/outside": (
            "An index lies outside of its dimension, whatever the length of the text.",
            "patterns[..., query, key]: the first dimensions are block, batch, head; queries go "
            "from n to 2n - 1, keys from 1 to n.",
        ),
        "axes/query-and-key-swapped": (
            "Queries and keys are swapped.",
            "The dimension before the last is the query, the last one the key.",
        ),
        "axes/first-text-only": (
            "Only the first text of the batch counts.",
            "Average over the batch.",
        ),
        "axes/batch-kept": (
            "There is a score for each text.",
            "Average over the batch: the result is [block, head].",
        ),
        "axes/heads-averaged": (
            "The heads are averaged.",
            "patterns is [block, batch, head, query, key]: average over the batch.",
        ),
        "axes/transposed": ("Blocks and heads are swapped.", "The result is [block, head]."),
        "average/sum": ("Weights are added up, not averaged.", "Take the mean."),
        "average/maximum": ("This is the maximum.", "Take the mean over tokens and texts."),
        "length/fixed": (
            "n is a fixed number.",
            "The text is n tokens twice: n = patterns.shape[-1] // 2.",
        ),
    },
}


# average


def averaging(part: int):
    """Judges the means or the half-widths."""

    def judge(calls: list[dict], seed: int) -> Refusal | None:
        given = [probes.whole_facts(seed), probes.lacking_facts(seed)]
        expected, pairs = "two tables: mean, half", [_pair(call) for call in calls]
        for call in pairs:
            if call["outcome"] == "returned" and not isinstance(call["value"], list):
                refusal = common.wrong_type(call["value"], expected)
                return refusal or Refusal("result/wrong-type", expected, "one tensor")
        if [call["outcome"] for call in pairs] == ["returned", "raised"]:
            refusal = common.raised(pairs[1], f"{expected}, for {_facts(*given[1])}")
            slug = "lacking/raises" if refusal.slug == "raises/error" else refusal.slug
            return Refusal(slug, refusal.expected, refusal.seen)
        ones = [
            call | {"value": call["value"][part]} if "value" in call else call for call in pairs
        ]

        def pick(function: Callable) -> Callable:
            return lambda *arguments: function(*arguments)[part]

        candidates = [(slug, pick(function)) for slug, function in AVERAGE]
        return judged(ones, given, pick(_average), candidates, _facts)

    return judge


def _pair(call: dict) -> dict:
    """The call with two tables as its value, where they are two."""
    call = normal(call)
    value = call.get("value")
    if isinstance(value, Tensor) and value.dim() == 3 and len(value) == 2:
        return call | {"value": list(value)}
    if isinstance(value, list) and len(value) != 2:
        return call | {"value": {"type": "list", "text": f"{len(value)} results"}}
    return call


mean = averaging(0)
interval = averaging(1)


def _facts(maps: list[Tensor], subjects: list[slice]) -> str:
    sizes = ", ".join(str(s.stop - s.start) for s in subjects)
    return f"{len(maps)} facts with subjects of {sizes} tokens"


def _roles(subject: slice, length: int) -> list[list[int]]:
    """The positions of the roles, written out by hand."""
    positions = [[], [], [], [], [], []]
    for at in range(subject.start, length):
        if at == length - 1:
            role = 5
        elif at == subject.stop - 1:
            role = 2
        elif at == subject.start:
            role = 0
        elif at < subject.stop:
            role = 1
        else:
            role = 3 if at == subject.stop else 4
        positions[role].append(at)
    return positions


def _samples(maps, subjects, roles=_roles, within=np.mean) -> list[list[list]]:
    """For each role and block, one number for each fact that has the role."""
    table = [[[] for _ in range(len(maps[0]))] for _ in range(6)]
    for effects, subject in zip(maps, subjects, strict=True):
        for role, at in enumerate(roles(subject, effects.shape[1])):
            for block, row in enumerate(effects.numpy()):
                if at:
                    table[role][block].append(within(row[at]))
    return table


def _half(cell: list) -> float:
    return 1.96 * np.std(cell, ddof=1) / np.sqrt(len(cell))


def _average(maps, subjects, mean=np.mean, half=_half, **how) -> list[Tensor]:
    samples = _samples(maps, subjects, **how)
    return [_exact(samples, mean), _exact(samples, half)]


def _exact(samples: list, read: Callable) -> Tensor:
    rows = [[float(read(cell)) for cell in role] for role in samples]
    return torch.tensor(rows, dtype=torch.float64).T


def _by(**how) -> Callable:
    return lambda maps, subjects: _average(maps, subjects, **how)


def _role(number: int, change: Callable) -> Callable:
    """The roles with one of them at other positions."""

    def roles(subject: slice, length: int) -> list[list[int]]:
        positions = _roles(subject, length)
        positions[number] = change(subject, length, positions)
        return positions

    return _by(roles=roles)


def _single_first(subject: slice, length: int) -> list[list[int]]:
    positions = _roles(subject, length)
    if subject.stop - subject.start == 1:
        positions[0], positions[2] = positions[2], positions[0]
    return positions


def _single_both(subject: slice, length: int) -> list[list[int]]:
    positions = _roles(subject, length)
    positions[0] = positions[0] or positions[2]
    return positions


def _ending_subject(subject: slice, length: int) -> list[list[int]]:
    """The last token of a subject that ends the prompt is its last one too."""
    positions = _roles(subject, length)
    positions[2] = [subject.stop - 1]
    return positions


def _pooled(maps, subjects) -> list[Tensor]:
    """Every token a sample of its own."""
    samples = _samples(maps, subjects, within=list)
    flat = [[np.concatenate([np.asarray(x) for x in cell]) for cell in role] for role in samples]
    return [_exact(flat, np.mean), _exact(flat, _half)]


def _tokens_counted(maps, subjects) -> list[Tensor]:
    right, lists = _average(maps, subjects), _samples(maps, subjects, within=list)
    facts = [[np.asarray([np.mean(x) for x in cell]) for cell in role] for role in lists]
    sizes = [[sum(len(x) for x in cell) for cell in role] for role in lists]
    rows = [
        [1.96 * np.std(cell, ddof=1) / np.sqrt(n) for cell, n in zip(role, ns, strict=True)]
        for role, ns in zip(facts, sizes, strict=True)
    ]
    return [right[0], torch.tensor(rows, dtype=torch.float64).T]


def _zeros(maps, subjects) -> list[Tensor]:
    samples = _samples(maps, subjects)
    full = [[[*cell, *[0.0] * (len(maps) - len(cell))] for cell in role] for role in samples]
    return [_exact(full, np.mean), _exact(full, _half)]


def _zero_in_mean(maps, subjects) -> list[Tensor]:
    return [_zeros(maps, subjects)[0], _average(maps, subjects)[1]]


def _spreading(maps, subjects) -> list[Tensor]:
    samples = _samples(maps, subjects)
    results = _average(maps, subjects)
    lacks = torch.tensor([len(role[0]) < len(maps) for role in samples])
    return [torch.where(lacks, torch.nan, result) for result in results]


def _whole_only(maps, subjects) -> list[Tensor]:
    whole = [(m, s) for m, s in zip(maps, subjects, strict=True) if all(_roles(s, m.shape[1]))]
    return _average(*zip(*whole, strict=True))


def _all_counted(maps, subjects) -> list[Tensor]:
    n = len(maps)
    return _average(maps, subjects, half=lambda c: 1.96 * np.std(c, ddof=1) / np.sqrt(n))


def _bounds(maps, subjects) -> list[Tensor]:
    average, half = _average(maps, subjects)
    return [average - half, average + half]


def _absolute(maps, subjects) -> list[Tensor]:
    return _average([m.abs() for m in maps], subjects)


AVERAGE = [
    ("average/tokens-pooled", _pooled),
    ("average/median", _by(mean=np.median)),
    ("average/sum", _by(mean=np.sum)),
    ("average/first-token-of-role", _by(within=lambda row: row[0])),
    ("average/summed-in-fact", _by(within=np.sum)),
    ("average/absolute", _absolute),
    ("lacking/as-zero", _zeros),
    ("lacking/as-zero", _zero_in_mean),
    ("lacking/spreads", _spreading),
    ("lacking/left-out-everywhere", _whole_only),
    ("interval/standard-deviation", _by(half=lambda c: 1.96 * np.std(c, ddof=1))),
    ("interval/standard-deviation", _by(half=lambda c: np.std(c, ddof=1))),
    ("interval/n-not-root", _by(half=lambda c: 1.96 * np.std(c, ddof=1) / len(c))),
    ("interval/population", _by(half=lambda c: 1.96 * np.std(c) / np.sqrt(len(c)))),
    ("interval/one-standard-error", _by(half=lambda c: _half(c) / 1.96)),
    ("interval/full-width", _by(half=lambda c: 2 * _half(c))),
    ("interval/rounded", _by(half=lambda c: _half(c) / 1.96 * 2)),
    ("interval/variance", _by(half=lambda c: 1.96 * np.var(c, ddof=1) / np.sqrt(len(c)))),
    ("interval/variance", _by(half=lambda c: 1.96 * np.var(c, ddof=1) / len(c))),
    ("interval/tokens-counted", _tokens_counted),
    ("interval/all-facts-counted", _all_counted),
    ("interval/bounds", _bounds),
    ("roles/last-subject-one-too-far", _role(2, lambda s, n, at: [min(s.stop, n - 1)])),
    ("roles/single-is-first", _by(roles=_single_first)),
    ("roles/single-is-first", _by(roles=_single_both)),
    ("roles/last-token-twice", _role(4, lambda s, n, at: list(range(s.stop + 1, n)))),
    ("roles/last-token-twice", _by(roles=_ending_subject)),
    ("roles/middle-holds-all", _role(1, lambda s, n, at: sorted(at[0] + at[1] + at[2]))),
    ("shape/transposed", lambda maps, subjects: [x.T for x in _average(maps, subjects)]),
    ("result/order", lambda maps, subjects: _average(maps, subjects)[::-1]),
]


# induction_scores


def scoring(inputs: Callable[[int], list[tuple]]):
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        calls = [normal(call) for call in calls]
        refusal = judged(calls, inputs(seed), _scores, INDUCTION, _texts)
        index = [call.get("error") == "IndexError" for call in calls]
        if refusal and refusal.slug == "raises/error" and any(index):
            slug = "index/outside" if all(index) else "length/fixed"
            return Refusal(slug, refusal.expected, refusal.seen)
        return refusal

    return judge


one = scoring(probes.one_text)
several = scoring(probes.several_texts)


def _texts(patterns: Tensor) -> str:
    n_texts = patterns.shape[1]
    return f"{n_texts} text{'s' * (n_texts > 1)} of {patterns.shape[-1] // 2} tokens twice"


def _weights(patterns: Tensor, key: Callable, queries: Callable) -> Tensor:
    """[block, batch, head, number of queries]"""
    n = patterns.shape[-1] // 2
    return torch.stack([patterns[..., q, key(q, n)] for q in queries(n)], dim=-1)


def _induced(q: int, n: int) -> int:
    return q - n + 1


def _second(n: int) -> range:
    return range(n, 2 * n)


def _scores(patterns: Tensor, key: Callable = _induced, queries: Callable = _second) -> Tensor:
    return _weights(patterns, key, queries).mean((1, 3))


def _key(key: Callable) -> Callable:
    return lambda patterns: _scores(patterns, key=key)


def _from(queries: Callable) -> Callable:
    return lambda patterns: _scores(patterns, queries=queries)


def _of(read: Callable) -> Callable:
    return lambda patterns: read(_weights(patterns, _induced, _second))


def _fixed(n: int) -> Callable:
    def score(patterns: Tensor) -> Tensor:
        total = patterns.shape[-1]
        return torch.stack([patterns[..., q, q - n + 1] for q in range(n, total)], -1).mean((1, 3))

    return score


INDUCTION = [
    ("key/same-token", _key(lambda q, n: q - n)),
    ("key/two-after", _key(lambda q, n: q - n + 2)),
    ("key/before", _key(lambda q, n: q - n - 1)),
    ("key/previous-token", _key(lambda q, n: q - 1)),
    ("key/first-token", _key(lambda q, n: 0)),
    ("queries/one-too-many", _from(lambda n: range(n - 1, 2 * n))),
    ("queries/first-missing", _from(lambda n: range(n + 1, 2 * n))),
    ("queries/last-missing", _from(lambda n: range(n, 2 * n - 1))),
    ("queries/last-only", _from(lambda n: [2 * n - 1])),
    ("queries/divided-by-all", lambda patterns: _scores(patterns) / 2),
    ("axes/query-and-key-swapped", lambda patterns: _scores(patterns.mT)),
    ("axes/first-text-only", _of(lambda w: w[:, 0].mean(-1))),
    ("axes/batch-kept", _of(lambda w: w.mean(-1))),
    ("axes/heads-averaged", _of(lambda w: w.mean((2, 3)))),
    ("axes/transposed", _of(lambda w: w.mean((1, 3)).T)),
    ("average/sum", _of(lambda w: w.sum((1, 3)))),
    ("average/sum", _of(lambda w: w.sum(3).mean(1))),
    ("average/sum", _of(lambda w: w.mean(3).sum(1))),
    ("average/maximum", _of(lambda w: w.amax((1, 3)))),
    ("average/maximum", _of(lambda w: w.amax(3).mean(1))),
    *(("length/fixed", _fixed(n)) for n in (4, 6, 7, 9)),
]
