"""Judges of ``causal_tracing.restore`` and ``.effects``. Oracle: one run for each restored state.

The runs are made with ``hooks.edit``; a misconception is a run with something else restored.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from course_utils.anatomy import anatomy
from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import tracing as probes
from course_utils.hooks import edit, record

_RUNS = {
    "restored/nothing": (
        "Nothing is restored: this is the corrupted run.",
        "Does the hook return the changed output, and is it still on when the model runs?",
    ),
    "restored/everything": (
        "Nothing of the noise is left: this is the clean run.",
        "Run the model on inputs_embeds=corrupted, and restore one position alone.",
    ),
    "runs/swapped": (
        "The corrupted state is put into the clean run.",
        "The other way round: the clean state goes into the corrupted run.",
    ),
    "block/before": (
        "The state is restored before the block, not after it.",
        "Layer i is the output of block i: register_forward_hook on blocks[i].",
    ),
    "block/after": (
        "The state is restored one block too late.",
        "Layer i is the output of block i: register_forward_hook on blocks[i].",
    ),
    "block/from-there-on": (
        "The states of all later blocks are restored as well.",
        "One state at a time: the later blocks compute their own.",
    ),
    "state/one-block-early": (
        "The clean state comes from one block earlier than where it is put.",
        "hidden_states[i] of transformers is the input of block i; its output is entry i + 1.",
    ),
    "state/normed": (
        "The clean state of the last block is already through the final norm.",
        "The last entry of hidden_states is normed: take the block's own output, with a hook.",
    ),
    "state/mlp": (
        "The output of the MLP is restored, not that of the block.",
        "Put the hook on the block itself.",
    ),
    "state/attention": (
        "The output of attention is restored, not that of the block.",
        "Put the hook on the block itself.",
    ),
    "position/before": ("The position before is restored.", "Positions count from 0."),
    "position/after": ("The position after is restored.", "Positions count from 0."),
    "position/last": (
        "It is always the last position that is restored.",
        "output[:, position].",
    ),
    "position/up-to": (
        "All positions up to the given one are restored.",
        "output[:, position]: one number, no slice of positions.",
    ),
    "position/from-there-on": (
        "All positions from the given one on are restored.",
        "output[:, position]: one number, no slice of positions.",
    ),
    "samples/one-restored": (
        "The state is restored in the first sample alone.",
        "output[:, position] = state. A block returns a tensor here: output[0] is row 0.",
    ),
    "samples/one-read": (
        "The probability is that of the first sample alone.",
        "Take the mean over all samples.",
    ),
    "samples/not-averaged": (
        "There is a number for each sample.",
        "Take the mean over the samples.",
    ),
    "samples/summed": ("The samples are added up.", "Take the mean over the samples."),
    "probability/logit": (
        "This is a logit, not a probability.",
        "softmax over the vocabulary first: logits[:, -1].softmax(-1).",
    ),
    "probability/logarithm": (
        "This is the logarithm of a probability.",
        "softmax, not log_softmax.",
    ),
    "probability/of-mean-logits": (
        "The logits are averaged before the softmax.",
        "The mean of the samples' probabilities: softmax first.",
    ),
    "probability/wrong-position": (
        "The probability is read at the wrong position.",
        "The answer follows the last token: logits[:, -1].",
    ),
    "probability/wrong-axis": (
        "The softmax is not over the vocabulary.",
        "logits[:, -1].softmax(-1).",
    ),
    "result/effect": (
        "The corrupted run's probability is subtracted here already.",
        "Return the probability itself.",
    ),
    "architecture/one-name": (
        "It fails on GPT-2, whose blocks have another name.",
        "anatomy(model).blocks finds them in every model.",
    ),
}
_EFFECTS = {
    "sign/total": (
        "The total effect has the wrong sign.",
        "TE = P[clean] - P[corrupted]: how much noise takes away.",
    ),
    "sign/indirect": (
        "The indirect effect has the wrong sign.",
        "IE = P[restored] - P[corrupted]: how much the state brings back.",
    ),
    "effect/no-baseline": (
        "These are the probabilities with a state restored.",
        "IE = P[restored] - P[corrupted]: subtract the corrupted run's probability.",
    ),
    "effect/from-clean": (
        "The clean probability is subtracted, not the corrupted one.",
        "IE = P[restored] - P[corrupted].",
    ),
    "effect/share": (
        "The effects are divided by the total effect.",
        "IE is a difference of probabilities, no share.",
    ),
    "effect/corrupted-only": (
        "This is the corrupted probability, not an effect.",
        "TE = P[clean] - P[corrupted].",
    ),
    "effect/clean-only": (
        "This is the clean probability, not an effect.",
        "TE = P[clean] - P[corrupted].",
    ),
    "effect/zero": (
        "Everything is 0: it looks as if two runs that should differ are the same.",
        "Run the model on input_ids, and on inputs_embeds=corrupted.",
    ),
    "hooks/pile-up": (
        "The states restored for one cell are still restored for the next.",
        "Take each hook off, in finally, before the next run.",
    ),
    "shape/transposed": (
        "Rows and columns are swapped.",
        "A row for each block, a column for each position.",
    ),
    "shape/embedding-row": (
        "There is a row for the embeddings.",
        "A row for each block, the first for the output of block 0.",
    ),
    "result/order": (
        "The two results are in the wrong order.",
        "Return total, indirect.",
    ),
}
LEAVES = {
    "hooks/left": (
        "A hook stays on the model: every later run is changed by it.",
        "Take it off in any case: try: … finally: handle.remove().",
    ),
    "hooks/left-after-error": (
        "If the model raises, the hook stays on it.",
        "The remove() belongs into finally.",
    ),
    "hooks/not-yours": (
        "Hooks are removed that others had put there; the model no longer works as before.",
        "Remove your own by its handle: handle.remove(), not _forward_hooks.clear().",
    ),
    "mutates/model": (
        "The model is not as it was.",
        "Change activations in a hook, not the model's weights or its mode.",
    ),
}
SENTENCES = {
    "causal_tracing.restore": _RUNS | LEAVES,
    "causal_tracing.effects": {k: v for k, v in _RUNS.items() if k != "result/effect"}
    | _EFFECTS
    | LEAVES,
}
TOLERANCE = 1e-6


# Runs


class Runs:
    """Runs of one trial: each a tensor of logits, [samples, pos, vocab]."""

    def __init__(self, trial: probes.Trial):
        self.trial, self.model = trial, trial.model
        parts = anatomy(self.model)
        self.sites = [(k, i) for k in ("block", "mlp", "attention") for i in range(probes.BLOCKS)]
        with record(self.model, self.sites) as seen:
            self.clean = self.model(trial.ids).logits
        self.states = {site: seen[site][0] for site in self.sites}
        self.states["block", -1] = parts.embed(trial.ids)[0]
        self.states["normed", probes.BLOCKS - 1] = parts.final_norm(seen["block", 2][0])
        self.corrupted = self.run({})

    def run(self, edits: dict, embeddings: Tensor | None = None) -> Tensor:
        embeddings = self.trial.corrupted if embeddings is None else embeddings
        with edit(self.model, edits):
            return self.model(inputs_embeds=embeddings).logits

    def restored(self, block: int, positions, state=None, kind="block", rows=slice(None)) -> Tensor:
        """The corrupted run with states restored; block -1 are the embeddings."""
        if not -1 <= block < probes.BLOCKS:
            return self.corrupted
        if block == -1:
            embeddings = self.trial.corrupted.clone()
            clean = self.model.get_input_embeddings()(self.trial.ids)[0]
            embeddings[rows, positions] = clean[positions]
            return self.run({}, embeddings)
        clean = self.states[kind, block] if state is None else state
        return self.run({(kind, block): putting(clean, positions, rows)})

    def probability(self, logits: Tensor) -> Tensor:
        return logits[:, -1].softmax(-1)[:, self.trial.answer].mean()


def putting(state: Tensor, positions, rows=slice(None)) -> Callable:
    def put(activation: Tensor, at: Tensor) -> Tensor:
        activation[rows, positions] = state[positions]
        return activation

    return put


@lru_cache(maxsize=4)
def _runs(seed: int) -> list[Runs]:
    return [Runs(trial) for trial in probes.trials(seed)]


def remembered(candidates: list[tuple]) -> list[tuple]:
    """The candidates, each of them with its last results: they cost many forward passes.

    Their arguments are known again by identity, so that the inputs are to be the same objects.
    """
    return [(*names, lru_cache(maxsize=32)(function)) for *names, function in candidates]


def _named(refusal: Refusal | None, calls: list[dict]) -> Refusal | None:
    """An answer that works on Qwen and asks GPT-2 for a part that it has by another name."""
    is_name = calls[0]["outcome"] == "returned" and calls[-1].get("error") == "AttributeError"
    if refusal and is_name:
        return Refusal("architecture/one-name", refusal.expected, common.error_text(calls[-1]))
    return refusal


# restore


def restoring(cells: Callable):
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        given = [(runs, *cell) for runs in _runs(seed) for cell in cells(runs.trial)]
        calls = [normal(call) for call in calls]
        return _named(judged(calls, given, _restored, RESTORE, _asked), calls)

    return judge


inner = restoring(probes.inner_cells)
last = restoring(probes.last_cells)


def _asked(runs: Runs, block: int, position: int) -> str:
    return f"block {block}, position {position}"


@lru_cache(maxsize=256)
def _restored(runs: Runs, block: int, position: int) -> Tensor:
    return runs.probability(runs.restored(block, position))


def _other(change: Callable) -> Callable:
    """The probability in a run with something else restored."""
    return lambda runs, block, position: runs.probability(change(runs, block, position))


def _read(read: Callable) -> Callable:
    """Something else read off the right run; `read` gets it and the trial."""
    return lambda runs, block, position: read(runs.restored(block, position), runs.trial)


def _swapped(runs: Runs, block: int, position: int) -> Tensor:
    with record(runs.model, [("block", block)]) as seen:
        runs.run({})
    state = seen["block", block]
    clean = runs.model.get_input_embeddings()(runs.trial.ids).expand(len(state), -1, -1)

    def put(activation: Tensor, at: Tensor) -> Tensor:
        activation[:, position] = state[:, position]
        return activation

    return runs.run({("block", block): put}, clean)


def _onward(runs: Runs, block: int, position: int) -> Tensor:
    blocks = range(block, probes.BLOCKS)
    return runs.run({("block", b): putting(runs.states["block", b], position) for b in blocks})


def _normed(runs: Runs, block: int, position: int) -> Tensor:
    is_last = block == probes.BLOCKS - 1
    state = runs.states["normed", block] if is_last else None
    return runs.restored(block, position, state)


def _early(runs: Runs, block: int, position: int) -> Tensor:
    return runs.restored(block, position, runs.states["block", block - 1])


RESTORE = remembered(
    [
        ("restored/nothing", _other(lambda r, b, p: r.corrupted)),
        ("restored/everything", _other(lambda r, b, p: r.clean)),
        ("runs/swapped", _other(_swapped)),
        ("state/normed", _other(_normed)),
        ("state/one-block-early", _other(_early)),
        ("block/before", _other(lambda r, b, p: r.restored(b - 1, p))),
        ("block/after", _other(lambda r, b, p: r.restored(b + 1, p))),
        ("block/from-there-on", _other(_onward)),
        ("state/mlp", _other(lambda r, b, p: r.restored(b, p, kind="mlp"))),
        ("state/attention", _other(lambda r, b, p: r.restored(b, p, kind="attention"))),
        ("position/before", _other(lambda r, b, p: r.restored(b, p - 1))),
        ("position/after", _other(lambda r, b, p: r.restored(b, (p + 1) % r.clean.shape[1]))),
        ("position/last", _other(lambda r, b, p: r.restored(b, -1))),
        ("position/up-to", _other(lambda r, b, p: r.restored(b, slice(0, p + 1)))),
        ("position/from-there-on", _other(lambda r, b, p: r.restored(b, slice(p, None)))),
        ("samples/one-restored", _other(lambda r, b, p: r.restored(b, p, rows=0))),
        ("samples/one-read", _read(lambda x, t: x[0, -1].softmax(-1)[t.answer])),
        ("samples/not-averaged", _read(lambda x, t: x[:, -1].softmax(-1)[:, t.answer])),
        ("samples/summed", _read(lambda x, t: x[:, -1].softmax(-1)[:, t.answer].sum())),
        ("probability/logit", _read(lambda x, t: x[:, -1, t.answer].mean())),
        ("probability/logarithm", _read(lambda x, t: x[:, -1].log_softmax(-1)[:, t.answer].mean())),
        (
            "probability/logarithm",
            _read(lambda x, t: x[:, -1].softmax(-1)[:, t.answer].mean().log()),
        ),
        ("probability/of-mean-logits", _read(lambda x, t: x[:, -1].mean(0).softmax(-1)[t.answer])),
        ("probability/wrong-position", _read(lambda x, t: x[:, 0].softmax(-1)[:, t.answer].mean())),
        (
            "probability/wrong-position",
            _read(lambda x, t: x[:, -2].softmax(-1)[:, t.answer].mean()),
        ),
        ("probability/wrong-position", _read(lambda x, t: x.softmax(-1)[..., t.answer].mean())),
        (
            "probability/wrong-position",
            lambda r, b, p: r.restored(b, p)[:, p].softmax(-1)[:, r.trial.answer].mean(),
        ),
        ("probability/wrong-axis", _read(lambda x, t: x[:, -1].softmax(0)[:, t.answer].mean())),
        ("probability/wrong-axis", _read(lambda x, t: x.softmax(1)[:, -1, t.answer].mean())),
        ("result/effect", lambda r, b, p: _restored(r, b, p) - r.probability(r.corrupted)),
        ("result/effect", lambda r, b, p: r.probability(r.corrupted) - _restored(r, b, p)),
    ]
)


# effects


def measuring(part: int):
    """Judges one of the two results."""

    def judge(calls: list[dict], seed: int) -> Refusal | None:
        given = [(runs,) for runs in _runs(seed)]
        for call, (runs,) in zip(calls, given, strict=True):
            if refusal := _no_pair(call, runs):
                return refusal
        ones = [
            call | {"value": call["value"][part]} if "value" in call else call for call in calls
        ]
        ones = [normal(call) for call in ones]

        def pick(function: Callable) -> Callable:
            return lambda runs: function(runs)[part]

        candidates = [(slug, pick(function)) for slug, function in EFFECTS]
        return _named(judged(ones, given, pick(_effects), candidates, _asked_effects), calls)

    return judge


def _asked_effects(runs: Runs) -> str:
    return f"a prompt of {runs.trial.ids.shape[1]} tokens, {probes.BLOCKS} blocks"


def _no_pair(call: dict, runs: Runs) -> Refusal | None:
    """A refusal for a result that is not two, or two in the wrong order."""
    expected, value = "two results: total, indirect", call.get("value")
    if call["outcome"] == "raised":
        return None
    if not (isinstance(value, list) and len(value) == 2):
        refusal = common.wrong_type(value, expected)
        return refusal or Refusal("result/wrong-type", expected, "one tensor")
    shapes = [list(x.shape) if isinstance(x, Tensor) else [] for x in value]
    if shapes == [[probes.BLOCKS, runs.trial.ids.shape[1]], []]:
        return Refusal("result/order", expected, f"shapes {shapes[0]} and {shapes[1]}")
    return None


def _map(runs: Runs, cell: Callable) -> Tensor:
    """A function of (block, position) for every cell."""
    length = runs.trial.ids.shape[1]
    rows = [[cell(runs, b, p) for p in range(length)] for b in range(probes.BLOCKS)]
    return torch.stack([torch.stack(row) for row in rows])


def _probabilities(runs: Runs) -> tuple[Tensor, Tensor]:
    return runs.probability(runs.clean), runs.probability(runs.corrupted)


@lru_cache(maxsize=8)
def _effects(runs: Runs) -> list[Tensor]:
    clean, corrupted = _probabilities(runs)
    return [clean - corrupted, _map(runs, _restored) - corrupted]


def _with(cell: Callable) -> Callable:
    """The effects with the indirect one by another restored run."""
    return lambda runs: [
        _effects(runs)[0],
        _map(runs, cell) - runs.probability(runs.corrupted),
    ]


def _made_of(make: Callable) -> Callable:
    """Results made of clean, corrupted and restored probabilities."""

    def candidate(runs: Runs) -> list[Tensor]:
        clean, corrupted = _probabilities(runs)
        return list(make(clean, corrupted, _effects(runs)[1] + corrupted))

    return candidate


def _measured(read: Callable) -> Callable:
    """The effects by something other than the mean probability."""

    def candidate(runs: Runs) -> list[Tensor]:
        clean, corrupted = (read(x, runs.trial) for x in (runs.clean, runs.corrupted))
        cells = _map(runs, lambda r, b, p: read(r.restored(b, p), r.trial))
        return [clean - corrupted, cells - corrupted]

    return candidate


def _piled(runs: Runs) -> list[Tensor]:
    """Every cell with all before it, row by row."""
    length, corrupted = runs.trial.ids.shape[1], runs.probability(runs.corrupted)
    rows = []
    for block in range(probes.BLOCKS):
        for position in range(length):
            edits = {
                ("block", b): putting(runs.states["block", b], slice(0, length))
                for b in range(block)
            }
            edits["block", block] = putting(runs.states["block", block], slice(0, position + 1))
            rows.append(runs.probability(runs.run(edits)) - corrupted)
    return [_effects(runs)[0], torch.stack(rows).view(probes.BLOCKS, length)]


def _with_embeddings(runs: Runs) -> list[Tensor]:
    length, (total, indirect) = runs.trial.ids.shape[1], _effects(runs)
    row = [runs.probability(runs.restored(-1, p)) for p in range(length)]
    return [total, torch.cat([torch.stack(row)[None] - _probabilities(runs)[1], indirect])]


EFFECTS = remembered(
    [
        ("sign/total", _made_of(lambda c, x, r: (x - c, r - x))),
        ("sign/indirect", _made_of(lambda c, x, r: (c - x, x - r))),
        ("effect/no-baseline", _made_of(lambda c, x, r: (c - x, r))),
        ("effect/from-clean", _made_of(lambda c, x, r: (c - x, r - c))),
        ("effect/from-clean", _made_of(lambda c, x, r: (c - x, c - r))),
        ("effect/share", _made_of(lambda c, x, r: (c - x, (r - x) / (c - x)))),
        ("effect/corrupted-only", _made_of(lambda c, x, r: (x, r - x))),
        ("effect/clean-only", _made_of(lambda c, x, r: (c, r - x))),
        ("effect/share", _made_of(lambda c, x, r: ((c - x) / c, r - x))),
        ("shape/transposed", _made_of(lambda c, x, r: (c - x, (r - x).T))),
        ("effect/zero", _made_of(lambda c, x, r: (0 * c, 0 * r))),
        ("hooks/pile-up", _piled),
        ("shape/embedding-row", _with_embeddings),
        ("probability/logit", _measured(lambda x, t: x[:, -1, t.answer].mean())),
        (
            "probability/logarithm",
            _measured(lambda x, t: x[:, -1].log_softmax(-1)[:, t.answer].mean()),
        ),
        (
            "probability/of-mean-logits",
            _measured(lambda x, t: x[:, -1].mean(0).softmax(-1)[t.answer]),
        ),
        ("samples/one-read", _measured(lambda x, t: x[0, -1].softmax(-1)[t.answer])),
        (
            "probability/wrong-position",
            _measured(lambda x, t: x[:, 0].softmax(-1)[:, t.answer].mean()),
        ),
        *(
            (slug, _with(cell))
            for slug, cell in RESTORE
            if slug.startswith(("block", "state", "pos"))
        ),
        ("runs/swapped", _with(_other(_swapped))),
        ("samples/one-restored", _with(_other(lambda r, b, p: r.restored(b, p, rows=0)))),
        ("restored/everything", _with(_other(lambda r, b, p: r.clean))),
    ]
)


total = measuring(0)
indirect = measuring(1)


# Judging


def normal(call: dict) -> dict:
    return call | {"value": _tensors(call["value"])} if "value" in call else call


def _tensors(value: object) -> object:
    """Numbers and lists of numbers as tensors in float64, a single number without a dimension."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return torch.tensor(float(value), dtype=torch.float64)
    if isinstance(value, list):
        items = [_tensors(item) for item in value]
        is_table = all(isinstance(x, Tensor) for x in items)
        is_table = is_table and len({x.shape for x in items}) == 1 and len(items) > 2
        return torch.stack(items) if is_table else items
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.double().reshape(()) if value.numel() == 1 else value.double()
    return value


def judged(
    calls: list[dict],
    given: list[tuple],
    right: Callable,
    candidates: list[tuple[str, Callable]],
    asked: Callable[..., str],
) -> Refusal | None:
    expected = [right(*arguments) for arguments in given]
    wrong = [
        i
        for i, call in enumerate(calls)
        if call["outcome"] == "raised" or not _same(call["value"], expected[i])
    ]
    if not wrong:
        return common.mutation(calls)
    first = wrong[0]
    told = f"{_show(expected[first])} for {asked(*given[first])}"
    if calls[first]["outcome"] == "raised":
        return common.raised(calls[first], told)
    slug = common.explain(calls, wrong, given, candidates, TOLERANCE)
    seen = calls[first]["value"]
    return Refusal(slug, told, _show(seen)) if slug else _unexplained(seen, expected[first], told)


def _same(one: object, other: object) -> bool:
    outcomes = ({"outcome": "returned", "value": value} for value in (one, other))
    return common.same(*outcomes, TOLERANCE)


def _unexplained(seen: object, right: Tensor, told: str) -> Refusal:
    if refusal := common.wrong_type(seen, told):
        return refusal
    if seen.shape != right.shape:
        expected = f"shape {list(right.shape)}"
        return Refusal("shape/wrong", expected, f"shape {list(seen.shape)}")
    if not seen.is_floating_point():
        return Refusal("value/not-floating", told, str(seen.dtype))
    if seen.isnan().any():
        return Refusal("value/nan", told, _show(seen))
    return Refusal("value/wrong", told, _show(seen))


def _show(value: object) -> str:
    if not isinstance(value, Tensor):
        return value["text"] if isinstance(value, dict) else f"a {type(value).__name__}"
    if value.numel() == 1:
        return common.number(float(value))
    return f"{common.numbers(value)} of shape {list(value.shape)}"


# What is left behind


def leaves(calls: list[dict], seed: int) -> Refusal | None:
    """Judges what was left on the model alone: values are judged by the other cases."""
    for call in calls:
        changed = call["changed"]
        after = "after an error inside the model" if call.get("broken") else "after a call"
        if "the hooks" in changed:
            return Refusal(_hook_slug(call), "the hooks as they were", f"others, {after}")
        if changed:
            return Refusal("mutates/model", "the model as it was", f"{', '.join(changed)} changed")
    return None


def _hook_slug(call: dict) -> str:
    if call["fewer_hooks"]:
        return "hooks/not-yours"
    return "hooks/left-after-error" if call.get("broken") else "hooks/left"
