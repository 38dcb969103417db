"""Judges of the exercises of ``12_beyond_one_machine``.

Oracles: the sum of the tensors and the messages that were counted; the table of what ZeRO shards;
what a schedule has to keep to, whichever it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import parallel as probes

PARTS = ("weights", "gradients", "optimizer")
SENTENCES = {
    "beyond_one_machine.ring_all_reduce": {
        "result/mean": ("This is the mean, not the sum.", "Do not divide by the number of ranks."),
        "result/nothing": (
            "Each rank still has its own tensor.",
            "Add what arrives, and return what it was added to.",
        ),
        "result/one-rank": (
            "Not every rank has the sum.",
            "After the sums are made they go around the ring: r - 1 turns more.",
        ),
        "result/not-gathered": (
            "Each rank has one chunk of the sum, and old values beside it.",
            "Second half: pass the finished chunks on, r - 1 turns, without adding.",
        ),
        "result/added-twice": (
            "Some values are added more than once.",
            "In the second half what arrives takes the place of the chunk; it is not added.",
        ),
        "result/other-chunks": (
            "In each turn a rank sends another chunk than the one that it has just added to.",
            "What arrived goes on: to the next rank, chunk number (rank - turn) % r.",
        ),
        "result/own-left-out": (
            "A rank's own values are missing in its sum.",
            "Start from the rank's own tensor.",
        ),
        "result/not-a-list": ("The result is no list of a tensor for each rank.", "A list of r."),
        "shape/wrong": ("A result has another shape than the tensors.", "torch.cat the chunks."),
        "mutates/inputs": (
            "The tensors that were given are changed.",
            "Work on copies: chunk() gives views.",
        ),
        "traffic/none": (
            "Nothing was sent: the ranks know each other's values by magic.",
            "What a rank gets from another one must come from send.",
        ),
        "traffic/not-all": (
            "A part of what a rank has of the others did not come by a message.",
            "Use what send returns, in both halves, not the sender's own chunk.",
        ),
        "traffic/one-rank": (
            "All messages go through one rank: it is the bottleneck, the others wait.",
            "Each rank sends to the next one, all at the same time.",
        ),
        "traffic/not-neighbors": (
            "Messages go to other ranks than the next.",
            "target = (rank + 1) % ranks.",
        ),
        "traffic/whole-tensors": (
            "Whole tensors go around: each rank sends r - 1 times all of it.",
            "Cut each tensor into r chunks; in each turn a rank sends one.",
        ),
        "traffic/too-much": ("More is sent than needed.", "2 (r - 1) messages of a chunk a rank."),
        "traffic/too-little": (
            "Less is sent than an all-reduce needs.",
            "2 (r - 1) messages of a chunk a rank.",
        ),
        "traffic/message-size": (
            "As much is sent as needed, but in messages of another size.",
            "In each turn one chunk of n / r values.",
        ),
        "traffic/uneven": (
            "Some ranks send more than others.",
            "In each turn every rank sends one chunk.",
        ),
    },
    "beyond_one_machine.zero_bytes": {
        "stage/nothing-sharded": ("Nothing is sharded at any stage.", "Divide by ranks."),
        "stage/all-sharded": (
            "Everything is sharded at every stage.",
            "1: the optimizer's state; 2: gradients too; 3: weights too.",
        ),
        "stage/order": (
            "The stages shard the parts in another order.",
            "1: the optimizer's state, the largest; 2: gradients too; 3: weights too.",
        ),
        "stage/only-its-own": (
            "A stage shards one part alone.",
            "Each stage shards what the one before it does, and one part more.",
        ),
        "stage/off-by-one": ("The stages are one off.", "Stage 0 shards nothing, stage 3 all."),
        "stage/reversed": (
            "The higher the stage, the less is sharded.",
            "Stage 3 shards all; a part is sharded from its stage on: stage >= …",
        ),
        "stage/only-the-last": (
            "Nothing is sharded before stage 3.",
            "1: the optimizer's state; 2: gradients too; 3: weights too.",
        ),
        "stage/zero-sharded": ("Stage 0 shards something.", "Stage 0 is plain data parallelism."),
        "stage/weights-stay": ("The weights are never sharded.", "Stage 3 shards them."),
        "bytes/master-copy": (
            "The optimizer has 8 bytes a parameter.",
            "AdamW's two averages and, where weights have 16 bits, a copy of them in 32: 12.",
        ),
        "bytes/fixed": (
            "The sizes of a parameter are not taken from `each`.",
            "each = (weights, gradients, optimizer), in bytes.",
        ),
        "bytes/order": ("`each` is read in another order.", "(weights, gradients, optimizer)."),
        "bytes/bits": ("This is bits.", "`each` is in bytes."),
        "bytes/gigabytes": ("This is another unit than bytes.", "Do not divide."),
        "bytes/all-ranks": ("This is for all ranks together.", "For each rank."),
        "result/total": ("This is the total.", "weights, gradients and optimizer, each by itself."),
        "result/other-keys": ("The keys are other ones.", "weights, gradients, optimizer."),
    },
    "beyond_one_machine.pipeline": {
        "shape/no-table": ("The result is no table.", "A list of rows, one for each stage."),
        "shape/transposed": ("There is a row for each slot.", "A row for each stage."),
        "shape/rows": ("The number of rows is not that of the stages.", "A row for each stage."),
        "shape/same-row": (
            "All rows are one and the same list.",
            "[[None] * n for _ in range(stages)]; [[None] * n] * stages is one row several times.",
        ),
        "shape/ragged": ("The rows differ in length.", "Fill up with None."),
        "labels/from-one": ("Micro-batches count from 1.", 'From 0: "F0", "B0".'),
        "labels/other": ("An entry is none of the labels.", '"F0" … "B0" …, or None.'),
        "labels/idle": ("A waiting slot is something else than None.", "None."),
        "missing/backward": ("There are no backward passes.", "Each micro-batch goes back too."),
        "missing/forward": ("There are no forward passes.", "F before B."),
        "missing/micro-batch": (
            "A stage leaves out a micro-batch.",
            "Every stage runs every micro-batch, forward and backward.",
        ),
        "twice/micro-batch": ("A stage runs a micro-batch twice.", "Once each way."),
        "order/forward": (
            "A stage begins before the stage before it is done.",
            "Stage s runs micro-batch i forward one slot after stage s - 1 at the earliest.",
        ),
        "order/backward": (
            "A stage goes back before the stage behind it has.",
            "Backward passes begin at the last stage and end at the first.",
        ),
        "order/backward-first": (
            "A micro-batch goes back before it went forward.",
            "The last stage can go back one slot after its forward pass.",
        ),
        "slots/one-at-a-time": (
            "The next micro-batch waits until the one before it is through.",
            "When stage 0 is done with micro-batch 0 it can begin with 1.",
        ),
        "slots/too-many": ("There are more slots than needed.", "2 (m + p - 1)."),
    },
}


# ring_all_reduce


def ring_sum(calls: list[dict], seed: int) -> Refusal | None:
    for call, tensors in zip(calls, probes.ring_inputs(seed), strict=False):
        ranks = len(tensors)
        total = torch.stack(tensors).sum(0)
        expected = f"on each of {ranks} ranks {common.numbers(total)}"
        if refusal := _no_results(call, tensors, expected):
            return refusal
        results = call["value"]["results"]
        wrong = [rank for rank in range(ranks) if not torch.equal(results[rank].double(), total)]
        if wrong:
            seen = f"rank {wrong[0]} has {common.numbers(results[wrong[0]])}"
            return Refusal(_sum_slug(results, tensors, total, wrong), expected, seen)
        if call["value"]["changed"]:
            return Refusal("mutates/inputs", "the tensors as they were", "other values in them")
    return None


def _no_results(call: dict, tensors: list[Tensor], expected: str) -> Refusal | None:
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    results = call["value"]["results"]
    if results is None:
        return Refusal("result/none", expected, "None")
    if isinstance(results, Tensor) and results.shape == (len(tensors), len(tensors[0])):
        results = call["value"]["results"] = list(results)
    if not isinstance(results, list) or len(results) != len(tensors):
        return Refusal("result/not-a-list", expected, f"a {type(results).__name__}")
    if not all(isinstance(result, Tensor) for result in results):
        return Refusal("result/not-a-list", expected, "something else than tensors in it")
    shapes = [list(result.shape) for result in results]
    if any(shape != list(tensors[0].shape) for shape in shapes):
        return Refusal("shape/wrong", f"shape {list(tensors[0].shape)}", f"shapes {shapes}"[:100])
    return None


def _sum_slug(results: list[Tensor], tensors: list[Tensor], total: Tensor, wrong: list) -> str:
    ranks = len(tensors)
    if all(torch.allclose(result.double(), total / ranks) for result in results):
        return "result/mean"
    if all(map(torch.equal, results, tensors)):
        return "result/nothing"
    if ranks > 2 and all(map(torch.equal, results, _against(tensors))):
        return "result/other-chunks"
    if all(torch.equal(r.double(), total - own) for r, own in zip(results, tensors, strict=True)):
        return "result/own-left-out"
    if 0 < len(wrong) < ranks:
        return "result/one-rank"
    differences = [result.double() - total for result in results]
    added = [((d == 0) | sum(d == t for t in tensors).bool()).all() for d in differences]
    if all(added):
        return "result/added-twice"
    some = [0 < int((d == 0).sum()) < len(total) for d in differences]
    return "result/not-gathered" if all(some) else "value/wrong"


def _against(tensors: list[Tensor]) -> list[Tensor]:
    """What comes out where the number of the chunk goes up from turn to turn, not down."""
    ranks = len(tensors)
    chunks = [list(tensor.clone().chunk(ranks)) for tensor in tensors]
    for turn in range(2 * (ranks - 1)):
        outgoing = [chunks[rank][(rank + turn) % ranks] for rank in range(ranks)]
        for rank, values in enumerate(outgoing):
            own, place = chunks[(rank + 1) % ranks], (rank + turn) % ranks
            own[place] = own[place] + values if turn < ranks - 1 else values
    return [torch.cat(own) for own in chunks]


def ring_neighbors(calls: list[dict], seed: int) -> Refusal | None:
    for call, tensors in zip(calls, probes.ring_inputs(seed), strict=False):
        ranks = len(tensors)
        expected = "messages from each rank to the next one"
        if call["outcome"] == "raised":
            return common.raised(call, expected)
        pairs = {(source, target) for source, target, _ in call["value"]["log"]}
        if ranks > 1 and not pairs:
            return Refusal("traffic/none", expected, "no message")
        steps = {(target - source) % ranks for source, target in pairs}
        if ranks > 2 and not (steps == {1} or steps == {ranks - 1}):
            hubs = [r for r in range(ranks) if all(r in pair for pair in pairs)]
            seen = f"{ranks} ranks: messages {sorted(pairs)[:6]}"
            return Refusal("traffic/one-rank" if hubs else "traffic/not-neighbors", expected, seen)
    return _without_messages(calls[-1], probes.ring_inputs(seed)[1])


def _without_messages(call: dict, tensors: list[Tensor]) -> Refusal | None:
    """A refusal if a sum did not come by messages, each of which arrived with 1000 more: through a
    chain of r - 1 of them come the numbers of r - 1 others, and but one rank is at its end."""
    results = call["value"]["results"] if call["outcome"] == "returned" else None
    ranks, total = len(tensors), torch.stack(tensors).sum(0)
    if not isinstance(results, list) or len(results) != ranks:
        return None
    if not all(isinstance(result, Tensor) and result.shape == total.shape for result in results):
        return None
    passed = ((torch.stack(results).double() - total) / probes.ADDED).sort(0).values
    expected = "sums of what arrived"
    if not torch.equal(passed, passed.round()):
        return None
    if (passed == 0).any():
        return Refusal("traffic/none", expected, "sums of what did not come by a message")
    if (passed[0] < ranks - 1).any() or (passed[1] < ranks).any():
        seen = f"numbers that came by {passed.min():g} messages, of {ranks} ranks"
        return Refusal("traffic/not-all", expected, seen)
    return None


def ring_volume(calls: list[dict], seed: int) -> Refusal | None:
    given = list(zip(calls, probes.ring_inputs(seed), strict=False))
    for call, tensors in given:
        ranks, n = len(tensors), len(tensors[0])
        right = 2 * (ranks - 1) * n // ranks
        expected = f"{right} values sent by each of {ranks} ranks, with tensors of {n}"
        if call["outcome"] == "raised":
            return common.raised(call, expected)
        sent = Counter({rank: 0 for rank in range(ranks)})
        for source, _, count in call["value"]["log"]:
            sent[source] += count
        values = [sent[rank] for rank in range(ranks)]
        if values != [right] * ranks:
            return Refusal(_volume_slug(values, right, ranks, n), expected, f"{values}")
    for call, tensors in given:
        size = len(tensors[0]) // len(tensors)
        if odd := [count for *_, count in call["value"]["log"] if count != size]:
            expected = f"messages of {size} values, on {len(tensors)} ranks"
            return Refusal("traffic/message-size", expected, f"one of {odd[0]}")
    return None


def _volume_slug(values: list[int], right: int, ranks: int, n: int) -> str:
    if not any(values):
        return "traffic/none"
    if len(set(values)) > 1:
        return "traffic/uneven"
    if values[0] in ((ranks - 1) * n, 2 * (ranks - 1) * n, ranks * n):
        return "traffic/whole-tensors"
    return "traffic/too-much" if values[0] > right else "traffic/too-little"


# zero_bytes


def _bytes(shares: Callable[[str, int], bool], each=None, factor: float = 1.0):
    """What the function would give if `shares` said which part a stage shards."""

    def function(parameters, ranks, stage, sizes=(2, 2, 12)):
        return {
            part: factor * parameters * size / (ranks if shares(part, stage) else 1)
            for part, size in zip(PARTS, each(sizes) if each else sizes, strict=True)
        }

    return function


FIRST = {"optimizer": 1, "gradients": 2, "weights": 3}


def _right(part: str, stage: int) -> bool:
    return stage >= FIRST[part]


def _all_ranks(parameters, ranks, stage, sizes=(2, 2, 12)):
    own = _bytes(_right)(parameters, ranks, stage, sizes)
    return {part: size * ranks for part, size in own.items()}


def _wrong_order(**first: int):
    return _bytes(lambda part, stage: stage >= first[part])


CANDIDATES = [
    ("stage/nothing-sharded", _bytes(lambda part, stage: False)),
    ("stage/all-sharded", _bytes(lambda part, stage: stage > 0)),
    ("stage/all-sharded", _bytes(lambda part, stage: True)),
    ("stage/only-its-own", _bytes(lambda part, stage: stage == FIRST[part])),
    ("stage/reversed", _bytes(lambda part, stage: stage <= FIRST[part])),
    ("stage/reversed", _bytes(lambda part, stage: stage < FIRST[part])),
    ("stage/only-the-last", _bytes(lambda part, stage: stage == 3)),
    ("stage/off-by-one", _bytes(lambda part, stage: stage + 1 >= FIRST[part])),
    ("stage/off-by-one", _bytes(lambda part, stage: stage > FIRST[part])),
    ("stage/zero-sharded", _bytes(lambda part, stage: max(stage, 1) >= FIRST[part])),
    ("stage/weights-stay", _bytes(lambda part, stage: part != "weights" and _right(part, stage))),
    ("stage/order", _wrong_order(weights=1, gradients=2, optimizer=3)),
    ("stage/order", _wrong_order(weights=3, gradients=1, optimizer=2)),
    ("stage/order", _wrong_order(weights=2, gradients=3, optimizer=1)),
    ("stage/order", _wrong_order(weights=3, gradients=1, optimizer=1)),
    ("bytes/master-copy", _bytes(_right, lambda each: (*each[:2], 8))),
    ("bytes/fixed", _bytes(_right, lambda each: (2, 2, 12))),
    ("bytes/order", _bytes(_right, lambda each: (each[2], each[1], each[0]))),
    ("bytes/order", _bytes(_right, lambda each: (each[1], each[0], each[2]))),
    ("bytes/bits", _bytes(_right, factor=8)),
    ("bytes/gigabytes", _bytes(_right, factor=1e-9)),
    ("bytes/gigabytes", _bytes(_right, factor=2.0**-30)),
    ("bytes/gigabytes", _bytes(_right, factor=1e-6)),
    ("bytes/gigabytes", _bytes(_right, factor=2.0**-20)),
    ("bytes/all-ranks", _all_ranks),
]


def _zero(case: str):
    """A judge of one case; all calls together say what it looks like."""

    def judge(calls: list[dict], seed: int) -> Refusal | None:
        cases = probes.zero_inputs(seed)
        arguments = [given for inputs in cases.values() for given in inputs]
        for call in calls:
            if refusal := _no_bytes(call):
                return refusal
        names = [name for name, inputs in cases.items() for _ in inputs]
        own = [i for i, name in enumerate(names) if name == case]
        wrong = [i for i in own if not _equal(calls[i], arguments[i])]
        if case == "other sizes":
            wrong = [i for i in own[1::2] if not _follows(calls[i - 1], calls[i], arguments[i])]
        if not wrong:
            return None
        slug = _explained(calls, arguments)
        right = _bytes(_right)(*arguments[wrong[0]])
        labels = ("parameters", "ranks", "stage", "each")
        told = ", ".join(f"{n} {v}" for n, v in zip(labels, arguments[wrong[0]], strict=False))
        return Refusal(slug, f"{right} ({told})", f"{calls[wrong[0]]['value']}")

    return judge


def _follows(call: dict, other: dict, arguments: tuple) -> bool:
    """Whether the bytes of a call with other sizes differ from those of (2, 2, 12) as these do."""
    pairs = zip(PARTS, (2, 2, 12), arguments[3], strict=True)
    return all(
        abs(other["value"][part] * first - call["value"][part] * size)
        <= 1e-6 * abs(call["value"][part] * size)
        for part, first, size in pairs
    )


def _explained(calls: list[dict], arguments: list[tuple]) -> str:
    """The first candidate that gives all that was seen."""
    for slug, function in CANDIDATES:
        if all(_equal(call, g, function) for call, g in zip(calls, arguments, strict=True)):
            return slug
    return "value/wrong"


def _equal(call: dict, arguments: tuple, function: Callable | None = None) -> bool:
    right = (function or _bytes(_right))(*arguments)
    value = call["value"]
    return all(abs(value[part] - right[part]) <= 1e-6 * right[part] for part in PARTS)


def _no_bytes(call: dict) -> Refusal | None:
    expected = f"bytes of {', '.join(PARTS)}"
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    value = call["value"]
    if value is None:
        return Refusal("result/none", expected, "None")
    numbers = (int, float)
    if isinstance(value, numbers) or isinstance(value, Tensor) and value.numel() == 1:
        return Refusal("result/total", expected, f"{value}")
    if not isinstance(value, dict) or set(value) != set(PARTS):
        seen = f"the keys {list(value)}" if isinstance(value, dict) else f"a {type(value).__name__}"
        return Refusal("result/other-keys", f"the keys {list(PARTS)}", seen[:100])
    if not all(isinstance(v, numbers) and not isinstance(v, bool) for v in value.values()):
        return Refusal("result/wrong-type", "numbers", f"{value}"[:100])
    return None


zero_first, zero_second, zero_last, zero_other = map(
    _zero, ("stage 0", "stages 1 and 2", "stage 3", "other sizes")
)


# pipeline


def _each(look: Callable[[list[list], int, int], Refusal | None]):
    """A judge that looks at each schedule as {label: slot} for each stage."""

    def judge(calls: list[dict], seed: int) -> Refusal | None:
        for call, (stages, batches) in zip(calls, probes.pipeline_inputs(seed), strict=True):
            expected = f"{stages} rows of slots, for {batches} micro-batches"
            refusal = _no_table(call, stages, batches, expected)
            refusal = refusal or look(call["value"], stages, batches)
            if refusal:
                return refusal
        return None

    return judge


def _no_table(call: dict, stages: int, batches: int, expected: str) -> Refusal | None:
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    rows = call["value"]
    if rows is None:
        return Refusal("result/none", expected, "None")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return Refusal("shape/no-table", expected, f"a {type(rows).__name__}")
    lengths = {len(row) for row in rows}
    if len(rows) != stages:
        slug = "shape/transposed" if lengths == {stages} else "shape/rows"
        return Refusal(slug, expected, f"{len(rows)} rows")
    if len(lengths) > 1:
        return Refusal("shape/ragged", expected, f"rows of {sorted(lengths)} slots")
    return None


def _complete(rows: list[list], stages: int, batches: int) -> Refusal | None:
    labels = {f"{way}{i}" for way in "FB" for i in range(batches)}
    expected = f"on each stage each of {sorted(labels)[:4]} … once, and None"
    for stage, row in enumerate(rows):
        busy = [slot for slot in row if slot is not None]
        if odd := [slot for slot in busy if not (isinstance(slot, str) and slot in labels)]:
            return Refusal(_label_slug(odd, busy, batches), expected, f"{odd[0]!r}"[:60])
        seen = f"stage {stage}: {row}"[:160]
        for way, slug in (("B", "missing/backward"), ("F", "missing/forward")):
            if not any(slot.startswith(way) for slot in busy):
                return Refusal(slug, expected, seen)
        if missing := sorted(labels - set(busy)):
            return Refusal("missing/micro-batch", expected, f"no {missing[0]}; {seen}")
        if len(busy) > len(labels):
            one = stages > 1 and all(other == row for other in rows)
            return Refusal("shape/same-row" if one else "twice/micro-batch", expected, seen)
    return None


def _label_slug(odd: list, busy: list, batches: int) -> str:
    idle = ("", " ", "-", ".", "idle", 0, False)
    if any(slot in idle for slot in odd) or len(odd) < len(busy) and len(set(map(str, odd))) == 1:
        one_more = f"F{batches}", f"B{batches}"
        return "labels/from-one" if odd[0] in one_more else "labels/idle"
    return "labels/from-one" if f"F{batches}" in odd or f"B{batches}" in odd else "labels/other"


def _ordered(rows: list[list], stages: int, batches: int) -> Refusal | None:
    at = [
        {slot: t for t, slot in reversed(list(enumerate(row))) if isinstance(slot, str)}
        for row in rows
    ]
    late = [("F", s, "F", s - 1, "order/forward") for s in range(1, stages)]
    late += [("B", s, "F", s, "order/backward-first") for s in range(stages)]
    late += [("B", s, "B", s + 1, "order/backward") for s in range(stages - 1)]
    for way, stage, way_before, before, slug in late:
        for i in range(batches):
            label, needed = f"{way}{i}", f"{way_before}{i}"
            if label not in at[stage] or needed not in at[before]:
                continue
            if at[stage][label] <= at[before][needed]:
                expected = f"{label} on stage {stage} after {needed} on stage {before}"
                return Refusal(slug, expected, f"slots {at[stage][label]}, {at[before][needed]}")
    return None


def _short(rows: list[list], stages: int, batches: int) -> Refusal | None:
    least, slots = 2 * (batches + stages - 1), len(rows[0])
    if slots <= least:
        return None
    alone = stages > 1 and slots >= 2 * stages * batches
    slug = "slots/one-at-a-time" if alone else "slots/too-many"
    return Refusal(slug, f"{least} slots, {stages} stages, {batches} micro-batches", f"{slots}")


complete = _each(_complete)
ordered = _each(_ordered)
short = _each(_short)
