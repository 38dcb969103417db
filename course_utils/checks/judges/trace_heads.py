"""Judges of ``causal_tracing.ablate_head``. Oracle: what the output map of an attention reads,
changed by a hook of the judge's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.trace_runs import LEAVES, judged, normal, remembered
from course_utils.checks.judges.trace_runs import leaves as _leaves
from course_utils.checks.probes import tracing as probes

SENTENCES = {
    "causal_tracing.ablate_head": LEAVES
    | {
        "ablation/none": (
            "Nothing is ablated: these are the logits of the model as it is.",
            "Does the hook return the changed input, and is it on while the model runs?",
        ),
        "head/after-output-map": (
            "The output of attention is cut into slices, where all heads are mixed already.",
            "A head is a slice of what o_proj reads: register_forward_pre_hook on o_proj.",
        ),
        "head/whole-attention": (
            "All heads of the block are ablated.",
            "The slice of one head: [head * d_head, (head + 1) * d_head).",
        ),
        "head/wrong-one": (
            "Another head is ablated.",
            "Head h is the slice from h * d_head to (h + 1) * d_head.",
        ),
        "head/interleaved": (
            "Every so-manyth number is ablated, which is a bit of every head.",
            "The heads lie side by side: head h is the slice from h * d_head on.",
        ),
        "head/hidden-size": (
            "d_head is taken to be hidden_size / heads.",
            "o_proj.in_features // heads: some models have wider heads.",
        ),
        "head/kv-group": (
            "The heads that share keys and values are all ablated.",
            "There are num_attention_heads query heads; ablate one.",
        ),
        "head/block": (
            "The head of another block is ablated.",
            "Layer i is block i, counted from 0.",
        ),
        "positions/last-only": (
            "Only the last position is ablated.",
            "The head is ablated at every position: [:, :, slice].",
        ),
        "rows/first-only": (
            "Only the first row of the batch is ablated.",
            "The head is ablated in every row: [..., slice].",
        ),
        "mean/each-position": (
            "There is a mean for each position.",
            "The mean is one vector: over all rows and positions, mean((0, 1)).",
        ),
        "mean/each-row": (
            "There is a mean for each row of the reference.",
            "The mean is one vector: over all rows and positions, mean((0, 1)).",
        ),
        "mean/one-number": (
            "The mean is over the head's dimensions too.",
            "The mean is a vector of d_head numbers: mean((0, 1)).",
        ),
        "mean/of-the-input": (
            "The mean is taken over the input's own run.",
            "Run the model on the reference, and take the head's mean there.",
        ),
        "mean/zero": ("This is zero ablation.", "Put the mean in place of the head's output."),
        "resample/first-row": (
            "Every row gets the first row of the reference.",
            "Row i of the batch gets row i of the reference.",
        ),
        "resample/rows-shifted": (
            "The rows of the reference are in another order.",
            "Row i of the batch gets row i of the reference.",
        ),
        "resample/last-position": (
            "Every position gets the last one's value.",
            "Each position gets the value of the same position.",
        ),
        "resample/mean": ("This is mean ablation.", "Put row i's own value, not the mean."),
        "resample/whole-attention": (
            "All heads come from the reference.",
            "The slice of one head alone.",
        ),
        "resample/whole-run": (
            "These are the logits of the reference.",
            "Run the model on input_ids, with one head's values from the reference.",
        ),
        "result/last-position": (
            "The logits are those of the last position.",
            "Return them for every position: model(input_ids).logits.",
        ),
        "result/probabilities": (
            "These are probabilities.",
            "Return the logits.",
        ),
    }
}


def ablating(baseline: str):
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        given = _inputs(seed, baseline)
        calls = [normal(call) for call in calls]
        own = [(slug, f) for slug, name, f in CANDIDATES if name in ("", baseline)]
        return judged(calls, given, _right, own, _asked)

    return judge


@lru_cache(maxsize=8)
def _inputs(seed: int, baseline: str) -> list[tuple]:
    return probes.head_inputs(seed, baseline)


zero = ablating("zero")
mean = ablating("mean")
resample = ablating("resample")
leaves = _leaves


def _asked(model, ids, block: int, head: int, baseline: str, reference) -> str:
    return f"block {block}, head {head}, {baseline}"


def _map(model, block: int):
    return model.model.layers[block].self_attn.o_proj


def _read(model, ids: Tensor, block: int) -> Tensor:
    """What the output map of the block's attention reads."""
    seen: list[Tensor] = []
    handle = _map(model, block).register_forward_pre_hook(lambda m, args: seen.append(args[0]))
    model(ids)
    handle.remove()
    return seen[0]


def _columns(model, block: int, head: int) -> slice:
    width = _map(model, block).in_features // model.config.num_attention_heads
    return slice(head * width, (head + 1) * width)


def _values(model, block: int, baseline: str, reference: Tensor) -> Tensor:
    """The baseline of all heads, to be put in the place of [batch, pos, heads * d_head]."""
    seen = _read(model, reference, block)
    return {"zero": seen * 0, "mean": seen.mean((0, 1)).expand_as(seen), "resample": seen}[baseline]


def _run(model, ids: Tensor, block: int, columns, values: Tensor, rows=slice(None)) -> Tensor:
    """Logits with values in some columns of what the output map reads."""

    def put(module, args):
        new = args[0].clone()
        new[rows][..., columns] = values[rows][..., columns]
        return (new,)

    handle = _map(model, block).register_forward_pre_hook(put)
    logits = model(ids).logits
    handle.remove()
    return logits


@lru_cache(maxsize=32)
def _right(model, ids, block, head, baseline, reference) -> Tensor:
    values = _values(model, block, baseline, reference)
    return _run(model, ids, block, _columns(model, block, head), values)


def _columns_of(columns: Callable) -> Callable:
    """The right baseline in other columns."""

    def candidate(model, ids, block, head, baseline, reference) -> Tensor:
        values = _values(model, block, baseline, reference)
        return _run(model, ids, block, columns(model, block, head), values)

    return candidate


def _values_of(make: Callable) -> Callable:
    """Other values in the right columns; ``make`` gets what was read in the reference's run."""

    def candidate(model, ids, block, head, baseline, reference) -> Tensor:
        seen = _read(model, reference, block)
        columns = _columns(model, block, head)
        return _run(model, ids, block, columns, make(seen, columns).expand_as(seen))

    return candidate


def _hidden_columns(model, block: int, head: int) -> slice:
    width = model.config.hidden_size // model.config.num_attention_heads
    return slice(head * width, (head + 1) * width)


def _wrong_head(shift: int) -> Callable:
    def columns(model, block: int, head: int) -> slice:
        return _columns(model, block, (head + shift) % model.config.num_attention_heads)

    return _columns_of(columns)


def _group(model, block: int, head: int) -> list[int]:
    size = model.config.num_attention_heads // model.config.num_key_value_heads
    first = head // size * size
    slices = [_columns(model, block, h) for h in range(first, first + size)]
    return [i for s in slices for i in range(s.start, s.stop)]


def _interleaved(model, block: int, head: int) -> slice:
    return slice(head, None, model.config.num_attention_heads)


def _after_map(model, ids, block, head, baseline, reference) -> Tensor:
    """The baseline in a slice of attention's output."""
    seen: list[Tensor] = []
    attention = model.model.layers[block].self_attn
    handle = attention.register_forward_hook(lambda m, a, output: seen.append(output[0]))
    model(reference)
    handle.remove()
    values = {
        "zero": seen[0] * 0,
        "mean": seen[0].mean((0, 1)).expand_as(seen[0]),
        "resample": seen[0],
    }[baseline]
    columns = _hidden_columns(model, block, head)

    def put(module, args, output):
        new = output[0].clone()
        new[..., columns] = values[..., columns]
        return (new, *output[1:])

    handle = attention.register_forward_hook(put)
    logits = model(ids).logits
    handle.remove()
    return logits


def _other_block(shift: int) -> Callable:
    def candidate(model, ids, block, head, baseline, reference) -> Tensor:
        return _right(model, ids, (block + shift) % probes.BLOCKS, head, baseline, reference)

    return candidate


def _own_mean(model, ids, block, head, baseline, reference) -> Tensor:
    return _right(model, ids, block, head, baseline, ids)


def _last_position(model, ids, block, head, baseline, reference) -> Tensor:
    values = _read(model, ids, block).clone()
    values[:, -1] = _values(model, block, baseline, reference)[:, -1]
    return _run(model, ids, block, _columns(model, block, head), values)


def _first_row(model, ids, block, head, baseline, reference) -> Tensor:
    values = _values(model, block, baseline, reference)
    return _run(model, ids, block, _columns(model, block, head), values, rows=slice(0, 1))


CANDIDATES = remembered(
    [
        ("ablation/none", "", lambda model, ids, *others: model(ids).logits),
        ("head/hidden-size", "", _columns_of(_hidden_columns)),
        ("head/after-output-map", "", _after_map),
        ("head/whole-attention", "zero", _columns_of(lambda m, b, h: slice(None))),
        ("head/whole-attention", "mean", _columns_of(lambda m, b, h: slice(None))),
        ("resample/whole-attention", "resample", _columns_of(lambda m, b, h: slice(None))),
        *(("head/wrong-one", "", _wrong_head(shift)) for shift in (-1, 1, 2)),
        ("head/interleaved", "", _columns_of(_interleaved)),
        ("head/kv-group", "", _columns_of(_group)),
        *(("head/block", "", _other_block(shift)) for shift in (-1, 1)),
        ("positions/last-only", "", _last_position),
        ("rows/first-only", "", _first_row),
        ("mean/each-position", "mean", _values_of(lambda seen, c: seen.mean(0, keepdim=True))),
        ("mean/each-row", "mean", _values_of(lambda seen, c: seen.mean(1, keepdim=True))),
        ("mean/one-number", "mean", _values_of(lambda seen, c: seen[..., c].mean())),
        (
            "mean/one-number",
            "mean",
            _values_of(lambda seen, c: seen[..., c].mean(-1, keepdim=True)),
        ),
        ("mean/of-the-input", "mean", _own_mean),
        ("mean/zero", "mean", _values_of(lambda seen, c: torch.zeros_like(seen))),
        ("resample/first-row", "resample", _values_of(lambda seen, c: seen[:1])),
        ("resample/rows-shifted", "resample", _values_of(lambda seen, c: seen.flip(0))),
        ("resample/last-position", "resample", _values_of(lambda seen, c: seen[:, -1:])),
        ("resample/mean", "resample", _values_of(lambda seen, c: seen.mean((0, 1)))),
        (
            "resample/whole-run",
            "resample",
            lambda model, ids, b, h, baseline, reference: model(reference).logits,
        ),
        ("result/last-position", "", lambda *arguments: _right(*arguments)[:, -1]),
        ("result/probabilities", "", lambda *arguments: _right(*arguments).softmax(-1)),
    ]
)
