"""Judges of the exercises of ``10_performance_tuning``.

Oracles: what autograd saves, written down operation by operation; the formula of the intensity;
the gradients of one whole batch; blocks run one after another; padding by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import tuning as probes

TOLERANCE = 1e-6

SENTENCES = {
    "performance_tuning.saved_bytes": {
        "bytes/values": (
            "The result is a number of values, not of bytes.",
            "storage.nbytes(), or tensor.nbytes.",
        ),
        "bytes/four-each": (
            "Every value is taken for 4 bytes.",
            "float64 has 8, bfloat16 2, a truth value 1: ask the storage, .nbytes().",
        ),
        "bytes/unit": ("The result is in another unit.", "Bytes, as they are."),
        "twice/counted": (
            "A tensor that is saved for several operations counts several times.",
            "Keep a dict from the storage to its bytes, and add up at the end.",
        ),
        "twice/views": (
            "Views of one storage count one by one.",
            "x and x.T share their numbers: tell tensors apart by untyped_storage().",
        ),
        "view/own-size": (
            "A view counts with its own size.",
            "As long as a part is saved its whole storage stays: untyped_storage().nbytes().",
        ),
        "view/left-out": (
            "Views are left out.",
            "A view keeps its whole storage in memory: that counts, once.",
        ),
        "parameters/counted": (
            "Parameters count.",
            "They are in memory anyway. A linear layer saves its weight as a view, weight.T: "
            "compare storages.",
        ),
        "parameters/consumed": (
            "Parameters are left out if they come in a list, not from model.parameters().",
            "A generator can be gone through once: make a set of its storages first.",
        ),
        "parameters/all-left-out": (
            "Tensors that are no parameters are left out with them.",
            "Only the storages of the given parameters do not count.",
        ),
        "parameters/not-given": (
            "Parameters are left out that were not given.",
            "Only the storages of `parameters` do not count: go by that list, not by the type.",
        ),
        "parameters/by-pointer": (
            "A part of a parameter counts as if it were no parameter.",
            "weight[5:] begins elsewhere than weight: compare untyped_storage().data_ptr(), on "
            "both sides.",
        ),
        "leaves/left-out": (
            "Inputs, or tensors that need no gradient, are left out with the parameters.",
            "Whatever pack is called with is saved, an input or a mask too.",
        ),
        "twice/by-size": (
            "Storages of the same size count once.",
            "Two tensors may be equally large: the key is the storage, data_ptr().",
        ),
        "saved/last": (
            "Only one of the saved tensors counts.",
            "pack is called for each: collect.",
        ),
        "saved/results-only": (
            "What is counted are results of the forward pass, not what is saved.",
            "torch.autograd.graph.saved_tensors_hooks(pack, unpack) hands you what is saved.",
        ),
        "forward/not-run": ("forward is not called.", "Call forward() inside the hooks."),
        "forward/no-graph": (
            "forward runs without a graph: nothing is saved.",
            "Leave torch.no_grad() out: it is a training step that is counted.",
        ),
        "forward/twice": ("forward runs more than once.", "Call it once, inside the hooks."),
        "backward/broken": (
            "After counting, a backward pass fails or gives other gradients.",
            "pack returns what unpack turns back into the tensor: return tensor in both.",
        ),
        "saved/copied": (
            "The graph holds copies: more memory, and a storage that is freed meanwhile may give "
            "its address to the next.",
            "pack returns the tensor itself.",
        ),
        "hooks/left-on": (
            "The hooks are still on afterwards.",
            "with saved_tensors_hooks(pack, unpack): takes them off.",
        ),
    },
    "performance_tuning.intensity": {
        "flops/multiply-adds": ("Multiply-adds are counted as one.", "2 FLOPs each."),
        "flops/one-row": (
            "The FLOPs are those of one row of the batch.",
            "2 * batch * d_in * d_out.",
        ),
        "bytes/no-weights": ("The weights are not among the bytes.", "d_in * d_out of them."),
        "bytes/no-inputs": ("The inputs are not among the bytes.", "batch * d_in are read."),
        "bytes/no-outputs": ("The outputs are not among the bytes.", "batch * d_out are written."),
        "bytes/weights-alone": (
            "The weights alone are moved.",
            "Inputs are read and outputs written, too.",
        ),
        "bytes/weights-per-row": (
            "The weights are fetched for every row.",
            "They are read once for the whole batch: that is why batches pay.",
        ),
        "bytes/one-row": (
            "Inputs and outputs of one row are moved.",
            "batch * (d_in + d_out) of them.",
        ),
        "bytes/values": ("Values are counted, not bytes.", "Multiply by the bytes of a value."),
        "bytes/bits": ("Bits are counted, not bytes.", "A value has weight_bytes bytes."),
        "bytes/outputs-read-too": (
            "The outputs are counted twice.",
            "They are written once.",
        ),
        "widths/weights-like-values": (
            "A weight takes as many bytes as an input.",
            "weights: weight_bytes each; inputs and outputs: value_bytes each.",
        ),
        "widths/values-like-weights": (
            "An input takes as many bytes as a weight.",
            "weights: weight_bytes each; inputs and outputs: value_bytes each.",
        ),
        "widths/swapped": (
            "weight_bytes and value_bytes are exchanged.",
            "weights: weight_bytes each; inputs and outputs: value_bytes each.",
        ),
        "widths/inputs-like-weights": (
            "An input takes as many bytes as a weight, an output does not.",
            "Inputs and outputs: value_bytes each.",
        ),
        "widths/outputs-like-weights": (
            "An output takes as many bytes as a weight.",
            "Inputs and outputs: value_bytes each.",
        ),
        "widths/fixed": (
            "A value has 2 bytes whatever is given.",
            "Use weight_bytes and value_bytes.",
        ),
        "widths/other-defaults": (
            "Without weight_bytes and value_bytes another width is taken.",
            "Both are 2 by default: keep the first line of the cell.",
        ),
        "bytes/same-width": (
            "Inputs and outputs are taken for equally wide.",
            "An input has d_in numbers a row, an output d_out.",
        ),
        "bytes/product": (
            "Inputs or outputs are taken for tables of d_in by d_out.",
            "Inputs are [batch, d_in], outputs [batch, d_out].",
        ),
        "flops/one-addition-less": (
            "An addition less is counted for each output.",
            "A multiply-add is 2 FLOPs: 2 * batch * d_in * d_out.",
        ),
        "ratio/brackets": (
            "The FLOPs are divided by the first number of the bytes alone.",
            "a / b * c is (a / b) * c: put the bytes into brackets.",
        ),
        "ratio/inverted": ("It is bytes for each FLOP.", "FLOPs / bytes."),
        "ratio/flops": ("It is a number of FLOPs.", "Divide by the bytes."),
        "ratio/bytes": ("It is a number of bytes.", "FLOPs / bytes."),
        "ratio/whole": ("It is rounded.", "/, not // or round."),
        "bias/counted": ("A bias is counted.", "The layer has none."),
    },
    "performance_tuning.accumulate": {
        "scale/mean-of-means": (
            "It is the mean of the micro-batches' means: a target in a small micro-batch counts "
            "more than one in a large.",
            "Add up losses, reduction='sum', and divide by the number of all targets that count.",
        ),
        "scale/sum-of-means": (
            "The micro-batches' means are added up.",
            "Add up losses, reduction='sum', and divide by the number of all targets that count.",
        ),
        "scale/sum": (
            "The losses are added up, not averaged.",
            "Divide by the number of all targets that count.",
        ),
        "scale/by-rows": (
            "A micro-batch counts by its rows.",
            "By its targets: rows have different lengths.",
        ),
        "scale/padding-counted": (
            "Ignored targets are among those that the sum is divided by.",
            "(targets != -100).sum()",
        ),
        "scale/token-left-out": (
            "Targets of 0 are not counted: 0 is a token like any other.",
            "(targets != -100).sum()",
        ),
        "scale/other": (
            "The gradients are those of the right loss, times a number.",
            "Divide the sum of all losses by the number of all targets that count.",
        ),
        "parts/last": (
            "Only the last micro-batch has an effect.",
            "Drop the earlier gradients once, before the loop.",
        ),
        "parts/first": ("Only the first micro-batch has an effect.", "Go on after the first."),
        "parts/no-targets": (
            "A micro-batch without targets gives nan.",
            "The mean of nothing is 0/0: use reduction='sum'.",
        ),
        "parts/one-by-one": (
            "Not every micro-batch goes through the model once.",
            "One forward and one backward pass for each.",
        ),
        "targets/shifted-again": (
            "The targets are shifted by one position.",
            "logits[row, pos] goes with targets[row, pos]: the targets are shifted already.",
        ),
        "targets/ignored-learnt": (
            "Targets of -100 are learnt as if they were token 0.",
            "F.cross_entropy leaves them out by itself: ignore_index is -100.",
        ),
        "model/mode-changed": (
            "The model is in eval mode afterwards: from now on dropout is off.",
            "Leave the mode to the training loop.",
        ),
        "graphs/retained": (
            "A graph is still in memory after its backward pass, when the next one is made.",
            "retain_graph=True keeps it; without it backward() frees it.",
        ),
        "graphs/all-at-once": (
            "Several graphs are in memory at a time: nothing is gained.",
            "loss.backward() inside the loop, for each micro-batch.",
        ),
        "gradients/earlier-kept": (
            "The gradients of an earlier step are still in.",
            "model.zero_grad() before the loop.",
        ),
        "gradients/none": (
            "The parameters have no gradients.",
            "backward() leaves them in parameter.grad.",
        ),
        "step/taken": (
            "The parameters are changed.",
            "Leave the gradients in place; the optimizer's step comes later.",
        ),
        "loss/sum": ("The loss is a sum.", "Divide by the number of all targets that count."),
        "loss/one-part": (
            "The loss is that of one micro-batch.",
            "Add up what each adds to the mean.",
        ),
        "loss/sum-of-means": ("The loss is a sum of means.", "Return the mean over all targets."),
        "loss/divided-twice": (
            "The loss is divided once too often.",
            "Each micro-batch's loss is divided by all targets already: add them up.",
        ),
    },
    "performance_tuning.checkpointed": {
        "blocks/left-over": (
            "Blocks are left out where k does not divide their number.",
            "range(0, len(blocks), k); the last slice may be shorter.",
        ),
        "blocks/order": ("The blocks run in another order.", "One after another."),
        "blocks/other": ("The output is not that of the blocks.", "Compare with a plain loop."),
        "blocks/list-changed": (
            "The list of blocks that was given is changed.",
            "pop and del take blocks out of the caller's model: slice the list instead.",
        ),
        "blocks/no-dropout": (
            "The output is that of blocks without dropout.",
            "They run in the mode that they are in: no .eval().",
        ),
        "blocks/mode-changed": (
            "The blocks are in eval mode afterwards: dropout is off.",
            "Leave their mode alone.",
        ),
        "input/changed": (
            "x needs a gradient afterwards: the caller's tensor is changed.",
            "use_reentrant=False needs none, nor does recompute.",
        ),
        "gradients/parameters-cut": (
            "x gets its gradient, the blocks get none.",
            "recompute(run, x) names the parameters of run, so that they learn: give it the blocks "
            "themselves, no copies.",
        ),
        "kept/elsewhere": (
            "The inputs of other blocks are kept.",
            "Groups begin at block 0, k, 2k, …: the last one may be smaller.",
        ),
        "recompute/late-binding": (
            "The output is right, the gradients are not: the backward pass runs other blocks again "
            "than the forward pass ran.",
            "A function made in a loop looks up the loop's variables when it is called: bind them, "
            "as in nn.Sequential(*blocks[i : i + k]) or lambda x, part=part: …",
        ),
        "gradients/wrong": (
            "The output is right, the gradients are not.",
            "Run the same blocks on the same input again.",
        ),
        "gradients/none": (
            "Nothing leads back from the output.",
            "torch.no_grad() and detach() cut the graph: recompute(run, x) keeps it.",
        ),
        "gradients/cut": (
            "Some blocks get no gradients.",
            "torch.no_grad() and detach() cut the graph between them.",
        ),
        "kept/everything": (
            "The gradients are right, but every block keeps its inner tensors.",
            "Run each group of k blocks through recompute.",
        ),
        "kept/every-block": (
            "The input of every block is kept.",
            "One input for k blocks: recompute a group of k at a time.",
        ),
        "kept/too-long": (
            "Groups of more than k blocks are run again at once.",
            "k blocks in a group, not k groups.",
        ),
        "kept/some": (
            "Some blocks keep their inner tensors.",
            "Every group goes through recompute, the last one too.",
        ),
        "runs/too-often": (
            "Blocks run more often than twice.",
            "Once forward, once again in the backward pass: do not nest groups.",
        ),
        "input/needs-gradient": (
            "If x needs no gradient, the parameters get none.",
            "use_reentrant=False; ids have no gradients, and an embedding may be frozen.",
        ),
        "random/drawn-anew": (
            "Run again, dropout drops other values: the gradients belong to another pass.",
            "The random state of the first time has to be put back: recompute does it.",
        ),
    },
    "performance_tuning.pad_batch": {
        "keys/missing": (
            "A key is missing.",
            "input_ids, attention_mask and labels.",
        ),
        "width/shortest": ("Texts are cut.", "As wide as the longest text."),
        "width/fixed": (
            "The batch is wider than it has to be.",
            "As wide as its longest text, rounded up to a multiple.",
        ),
        "width/multiple-ignored": (
            "The width is no multiple of `multiple`.",
            "-(-longest // multiple) * multiple rounds up.",
        ),
        "width/one-multiple-more": (
            "A width that is a multiple already is made larger.",
            "longest + multiple - longest % multiple adds too much where nothing is left over.",
        ),
        "width/rounded-down": ("The width is rounded down.", "Round up: no token is lost."),
        "pad/left": ("The padding is on the left.", "On the right, for training."),
        "pad/another-id": ("Another id than pad_id is used.", "torch.full(shape, pad_id)"),
        "order/changed": ("The texts are in another order.", "Row i is text i."),
        "ids/other": ("The ids are not those of the texts.", "Row i begins with text i."),
        "mask/by-id": (
            "Tokens that have the pad's id are taken for padding.",
            "The end token is often the pad token too: go by the lengths.",
        ),
        "mask/inverted": ("The mask is inverted.", "1 for tokens, 0 for padding."),
        "mask/all-ones": ("The mask has no 0 for padding.", "1 for tokens, 0 for padding."),
        "mask/causal": ("The mask has another shape.", "[rows, pos]; the model makes its own."),
        "labels/by-id": (
            "Labels that have the pad's id are taken for padding.",
            "The model has to learn the end token, too: go by the lengths.",
        ),
        "labels/padding-counts": ("Padding has labels.", "-100: it must not count in the loss."),
        "labels/zero": ("Padding has a label of 0, which is a token.", "-100 does not count."),
        "labels/same-tensor": (
            "-100 stands in input_ids too: labels and input_ids are one tensor.",
            "labels = ids.clone() first, or ids.masked_fill(…), which makes a new tensor.",
        ),
        "labels/shifted": (
            "The labels are shifted.",
            "transformers shifts them itself: labels are the ids.",
        ),
        "labels/wrong": ("The labels are wrong.", "The ids, and -100 for padding."),
        "mask/wrong": ("The mask is wrong.", "1 for tokens, 0 for padding."),
        "dtype/not-whole": (
            "The tensors do not hold whole numbers.",
            "Ids and labels are torch.long.",
        ),
        "dtype/not-long": (
            "A tensor is of another dtype than torch.long.",
            "F.cross_entropy takes no other labels; torch.tensor makes it of ints by itself, and "
            ".long() of truth values.",
        ),
        "texts/changed": (
            "The texts that were given are changed.",
            "Padding is put into a tensor; extend, append and += change the student's lists.",
        ),
    },
}


# Numbers


def judged(
    calls: Sequence[dict],
    inputs: Sequence[tuple],
    right: Callable[..., float],
    candidates: Iterable[tuple[str, Callable]],
    question: Callable[..., str],
) -> Refusal | None:
    """The refusal of answers that should be the number ``right(*arguments)``."""
    given = [_as_tensor(call) for call in calls]
    expected = [_double(right(*arguments)) for arguments in inputs]
    wrong = [i for i, call in enumerate(given) if not _is_close(call.get("value"), expected[i])]
    if not wrong:
        return None
    first = wrong[0]
    told = f"{common.number(expected[first].item())} for {question(*inputs[first])}"
    call = calls[first]
    if call["outcome"] == "raised":
        return common.raised(call, told)
    if not isinstance(given[first]["value"], Tensor):
        return common.wrong_type(given[first]["value"], told) or Refusal(
            "result/wrong-type", told, f"a {type(call['value']).__name__}"
        )
    if given[first]["value"].numel() != 1:
        return Refusal("result/wrong-type", told, "a tensor of several numbers")
    functions = [(slug, _doubled(function)) for slug, function in candidates]
    slug = common.explain(given, wrong, inputs, functions, TOLERANCE) or "value/wrong"
    return Refusal(slug, told, common.number(given[first]["value"].item(), digits=6))


def _double(value: float) -> Tensor:
    return torch.tensor(float(value), dtype=torch.float64)


def _doubled(function: Callable) -> Callable:
    return lambda *arguments: _double(function(*arguments))


def _as_tensor(call: dict) -> dict:
    value = call.get("value")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return call | {"value": _double(value)} if is_number else call


def _is_close(value: object, right: Tensor) -> bool:
    return isinstance(value, Tensor) and common.close(value, right, TOLERANCE)


# saved_bytes


@dataclass(frozen=True)
class Saved:
    """One tensor that an operation saves: its storage, its values, those of the storage."""

    storage: str
    values: int
    width: int = 4
    whole: int | None = None  # values of the storage, where it is larger
    view: str = ""
    is_parameter: bool = False  # of those that are given
    kind: str = ""  # "weight" of a layer, "leaf" that needs a gradient, "constant" that needs none
    later_part: bool = False  # of a parameter: it begins behind its first value

    @property
    def storage_values(self) -> int:
        return self.values if self.whole is None else self.whole


Ledger = list[Saved]


def _count(ledger: Ledger, key: Callable, size: Callable, with_parameters: bool = False) -> int:
    """The sum of ``size`` over the entries with different keys, of each the first."""
    kept: dict = {}
    for number, entry in enumerate(ledger):
        if with_parameters or not entry.is_parameter:
            kept.setdefault(key(number, entry), size(entry))
    return sum(kept.values())


def _by_storage(number: int, entry: Saved) -> str:
    return entry.storage


def _by_view(number: int, entry: Saved) -> tuple:
    return entry.storage, entry.view


def _one_by_one(number: int, entry: Saved) -> int:
    return number


def _by_size(number: int, entry: Saved) -> int:
    return _whole(entry)


def _without(*kinds: str) -> Callable:
    """What is counted where entries of these kinds are left out."""
    return lambda ledger, once: _right_bytes([e for e in ledger if e.kind not in kinds])


def _parts_counted(size: Callable) -> Callable:
    """What is counted where a parameter is known by its first value's address."""

    def count(ledger: Ledger, once: bool) -> int:
        other = [replace(e, is_parameter=False) if e.later_part else e for e in ledger]
        return _count(other, _by_storage, size)

    return count


def _whole(entry: Saved) -> int:
    return entry.storage_values * entry.width


def _own(entry: Saved) -> int:
    return entry.values * entry.width


def _values(entry: Saved) -> int:
    return entry.storage_values


def _right_bytes(ledger: Ledger, generator: bool = False) -> int:
    return _count(ledger, _by_storage, _whole)


_SAVED = [
    ("bytes/values", lambda ledger, once: _count(ledger, _by_storage, _values)),
    ("view/own-size", lambda ledger, once: _count(ledger, _by_storage, _own)),
    ("view/own-size", lambda ledger, once: _count(ledger[::-1], _by_storage, _own)),
    ("twice/views", lambda ledger, once: _count(ledger, _by_view, _own)),
    ("twice/views", lambda ledger, once: _count(ledger, _by_view, _whole)),
    ("twice/counted", lambda ledger, once: _count(ledger, _one_by_one, _own)),
    ("twice/counted", lambda ledger, once: _count(ledger, _one_by_one, _whole)),
    ("parameters/consumed", lambda ledger, once: _count(ledger, _by_storage, _whole, once)),
    ("parameters/counted", lambda ledger, once: _count(ledger, _by_storage, _whole, True)),
    ("parameters/counted", lambda ledger, once: _count(ledger, _by_view, _whole, True)),
    ("parameters/counted", lambda ledger, once: _count(ledger, _by_view, _own, True)),
    ("parameters/counted", lambda ledger, once: _count(ledger, _one_by_one, _own, True)),
    ("parameters/by-pointer", _parts_counted(_whole)),
    ("parameters/by-pointer", _parts_counted(_own)),
    ("parameters/not-given", _without("weight")),
    ("leaves/left-out", _without("leaf")),
    ("leaves/left-out", _without("leaf", "weight")),
    ("leaves/left-out", _without("constant")),
    ("leaves/left-out", _without("leaf", "constant")),
    ("leaves/left-out", _without("leaf", "constant", "weight")),
    ("view/left-out", lambda ledger, once: _right_bytes([e for e in ledger if not e.view])),
    ("twice/by-size", lambda ledger, once: _count(ledger, _by_size, _whole)),
    ("parameters/all-left-out", lambda ledger, once: 0),
    *(("saved/last", lambda ledger, once, i=i: _own(ledger[i])) for i in (0, -1)),
    ("bytes/four-each", lambda ledger, once: 4 * _count(ledger, _by_storage, _values)),
    ("bytes/values", lambda ledger, once: _count(ledger, _one_by_one, lambda e: e.values)),
    *(
        ("bytes/unit", lambda ledger, once, u=u: _right_bytes(ledger) / u)
        for u in (1 / 8, 1e3, 1024, 1e6, 2**20)
    ),
]


def _saved(calls: list[dict], ledgers: list[Ledger], told: list[str]) -> Refusal | None:
    for call in calls:
        if call["outcome"] == "returned" and call["runs"] == 0:
            return Refusal("forward/not-run", "forward() called once", "never")
        if call["outcome"] == "returned" and not call["graph"]:
            return Refusal("forward/no-graph", "a graph behind the result of forward()", "none")
    inputs = [(ledger, i == 1) for i, ledger in enumerate(ledgers)]
    words = dict(zip(map(id, ledgers), told, strict=True))
    refusal = judged(calls, inputs, _right_bytes, _SAVED, lambda ledger, _: words[id(ledger)])
    if refusal and refusal.slug == "value/wrong" and any(call["runs"] > 1 for call in calls):
        return Refusal("forward/twice", "forward() called once", f"{calls[0]['runs']} times")
    return refusal


def saved_results(calls: list[dict], seed: int) -> Refusal | None:
    rows, inputs, _ = probes.sizes(seed, 1)
    n = rows * inputs
    ledgers = [
        [Saved("exp", n, 8), Saved("tanh", n, 8), Saved("exp of sums", rows, 8)],
        [Saved("sigmoid", n, 2), Saved("exp", n, 2)],
        [Saved("mask", n, 1, kind="constant")],
    ]
    shape = f"for x [{rows}, {inputs}]"
    told = [
        f"x.exp().tanh().sum(1).exp().sum() in float64, {shape}",
        f"x.sigmoid().exp().sum() in bfloat16, {shape}",
        f"x.masked_fill(x > 0.5, 0.0).sum() in float64, {shape}",
    ]
    return _saved(calls, ledgers, told)


def saved_shared(calls: list[dict], seed: int) -> Refusal | None:
    rows, inputs, _ = probes.sizes(seed, 2)
    n = rows * inputs
    kept = [Saved("exp", n)] * 4 + [Saved("exp", n, view="T")]
    ledgers = [
        [Saved("one", n), Saved("other", n), Saved("one", n), Saved("copy", n, view="T")],
        kept,
        [*[Saved("x", n)] * 2, *[Saved("x", n, view="T")] * 2, *[Saved("x", n, view="flat")] * 2],
    ]
    shape = f"for x [{rows}, {inputs}] in float32"
    told = [
        f"(x.exp() * x.exp().T.contiguous().T).sum() {shape}",
        f"y = x.exp(); (y * y).sum() + (y @ y.T).sum() {shape}",
        f"(x * x).sum() + (x.T * x.T).sum() + (x.view(-1) * x.view(-1)).sum() {shape}",
    ]
    return _saved(calls, ledgers, told)


def saved_views(calls: list[dict], seed: int) -> Refusal | None:
    rows, inputs, _ = probes.sizes(seed, 3)
    n = rows * inputs
    ledgers = [
        [Saved("sum", 2 * rows, whole=n, view="left")] * 2,
        [
            *[Saved("sum", 3 * rows, whole=n, view="left")] * 2,
            *[Saved("sum", n - 3 * rows, whole=n, view="right")] * 2,
        ],
    ]
    shape = f"for x [{rows}, {inputs}] in float32"
    told = [
        f"part = (x + 1)[:, :2]; (part * part).sum() {shape}",
        f"left, right = (x + 1).split((3, {inputs - 3}), dim=1); (left * left).sum()"
        f" + (right * right).sum() {shape}",
    ]
    return _saved(calls, ledgers, told)


def saved_parameters(calls: list[dict], seed: int) -> Refusal | None:
    rows, inputs, outputs = probes.sizes(seed, 4)
    weight = Saved("weight", inputs * outputs, view="T", kind="weight")
    network = [Saved("x", rows * inputs, kind="constant"), *[Saved("tanh", rows * outputs)] * 2]
    ledgers = [
        [
            *[Saved("x", rows * inputs, kind="leaf")] * 2,
            Saved("weight", 5 * inputs, whole=inputs * outputs, view="one", is_parameter=True),
            Saved(
                "weight",
                (outputs - 5) * inputs,
                whole=inputs * outputs,
                view="other",
                is_parameter=True,
                later_part=True,
            ),
            Saved("exp", 5 * rows),
            Saved("other exp", (outputs - 5) * rows),
        ],
        [*network, replace(weight, is_parameter=True)],
        [*network, weight],
    ]
    shape = f"[{inputs}, {outputs}]"
    told = [
        "(x @ weight[:5].T).exp().sum() + (x @ weight[5:].T).exp().sum() for a weight "
        f"[{outputs}, {inputs}] that is given in a list",
        f"two linear layers, {shape} and back, with tanh between and parameters from "
        "network.parameters()",
        f"two linear layers, {shape} and back, with tanh between and no parameters given",
    ]
    return _saved(calls, ledgers, told)


def saved_leaves(calls: list[dict], seed: int) -> Refusal | None:
    (call,) = calls
    if call["outcome"] == "raised":
        return common.raised(call, "a number of bytes")
    if call["left"]:
        return Refusal("hooks/left-on", "no hook afterwards", "a hook for saved tensors")
    if call["runs"] == 0:
        return Refusal("forward/not-run", "forward() called once", "never")
    if call["runs"] > 1:
        return Refusal("forward/twice", "forward() called once", f"{call['runs']} times")
    if not call["graph"]:
        return Refusal("forward/no-graph", "a graph behind the result of forward()", "none")
    rows, inputs, _ = probes.sizes(seed, 5)
    x = probes._leaf(rows, inputs, dtype=torch.float64).detach()
    right, after = x.exp() * (1 + x), call["after"]
    expected = f"the gradient of (x.T.exp() * x.T).sum(): {common.numbers(right)}"
    if after["outcome"] != "returned":
        return Refusal("backward/broken", expected, common.error_text(after))
    if not common.close(after["value"], right, TOLERANCE):
        return Refusal("backward/broken", expected, common.numbers(after["value"]))
    if call["copied"]:
        return Refusal("saved/copied", "the storage of x itself in the graph", "another storage")
    return None


# arithmetic_intensity


def _intensity(
    flops: Callable = lambda b, i, o: 2 * b * i * o,
    moved: Callable = lambda b, i, o, w, v: w * i * o + v * b * (i + o),
    ratio: Callable = lambda flops, moved: flops / moved,
) -> Callable:
    def value(b: int, i: int, o: int, w: float = 2, v: float = 2) -> float:
        return ratio(flops(b, i, o), moved(b, i, o, w, v))

    return value


_INTENSITY = [
    ("flops/multiply-adds", _intensity(flops=lambda b, i, o: b * i * o)),
    ("flops/one-row", _intensity(flops=lambda b, i, o: 2 * i * o)),
    ("bytes/no-weights", _intensity(moved=lambda b, i, o, w, v: v * b * (i + o))),
    ("bytes/no-inputs", _intensity(moved=lambda b, i, o, w, v: w * i * o + v * b * o)),
    ("bytes/no-outputs", _intensity(moved=lambda b, i, o, w, v: w * i * o + v * b * i)),
    ("bytes/weights-alone", _intensity(moved=lambda b, i, o, w, v: w * i * o)),
    (
        "bytes/weights-per-row",
        _intensity(moved=lambda b, i, o, w, v: b * (w * i * o + v * (i + o))),
    ),
    ("bytes/one-row", _intensity(moved=lambda b, i, o, w, v: w * i * o + v * (i + o))),
    ("bytes/one-row", _intensity(moved=lambda b, i, o, w, v: w * i * o + v * (b * i + o))),
    ("bytes/one-row", _intensity(moved=lambda b, i, o, w, v: w * i * o + v * (i + b * o))),
    (
        "widths/inputs-like-weights",
        _intensity(moved=lambda b, i, o, w, v: w * (i * o + b * i) + v * b * o),
    ),
    (
        "bytes/outputs-read-too",
        _intensity(moved=lambda b, i, o, w, v: w * i * o + v * b * (i + 2 * o)),
    ),
    ("widths/swapped", _intensity(moved=lambda b, i, o, w, v: v * i * o + w * b * (i + o))),
    (
        "widths/weights-like-values",
        _intensity(moved=lambda b, i, o, w, v: v * (i * o + b * (i + o))),
    ),
    (
        "widths/values-like-weights",
        _intensity(moved=lambda b, i, o, w, v: w * (i * o + b * (i + o))),
    ),
    (
        "widths/outputs-like-weights",
        _intensity(moved=lambda b, i, o, w, v: w * (i * o + b * o) + v * b * i),
    ),
    ("bytes/values", _intensity(moved=lambda b, i, o, w, v: i * o + b * (i + o))),
    ("widths/fixed", _intensity(moved=lambda b, i, o, w, v: 2 * (i * o + b * (i + o)))),
    ("bytes/bits", _intensity(ratio=lambda flops, moved: flops / moved / 8)),
    *(
        ("widths/other-defaults", lambda b, i, o, w=n, v=n: _intensity()(b, i, o, w, v))
        for n in (1, 4, 8)
    ),
    *(
        (
            "bytes/same-width",
            _intensity(moved=lambda b, i, o, w, v, s=s: w * i * o + v * b * s(i, o)),
        )
        for s in (lambda i, o: 2 * i, lambda i, o: 2 * o)
    ),
    ("bytes/product", _intensity(moved=lambda b, i, o, w, v: w * i * o + v * b * i * o)),
    ("bytes/product", _intensity(moved=lambda b, i, o, w, v: w * i * o + 2 * v * b * i * o)),
    ("flops/one-addition-less", _intensity(flops=lambda b, i, o: b * o * (2 * i - 1))),
    (
        "ratio/brackets",
        lambda b, i, o, w=2, v=2: 2 * b * i * o / w * i * o + v * b * (i + o),
    ),
    (
        "ratio/brackets",
        lambda b, i, o, w=2, v=2: 2 * b * i * o / (w * i * o) + v * b * (i + o),
    ),
    (
        "ratio/brackets",
        lambda b, i, o, w=2, v=2: 2 * b * i * o / i * o * w + v * b * (i + o),
    ),
    ("ratio/inverted", _intensity(ratio=lambda flops, moved: moved / flops)),
    ("ratio/flops", _intensity(ratio=lambda flops, moved: flops)),
    ("ratio/bytes", _intensity(ratio=lambda flops, moved: moved)),
    ("ratio/whole", _intensity(ratio=lambda flops, moved: flops // moved)),
    ("ratio/whole", _intensity(ratio=lambda flops, moved: round(flops / moved))),
    *(("ratio/whole", _intensity(ratio=lambda f, m, d=d: round(f / m, d))) for d in (1, 2, 3)),
    (
        "bias/counted",
        _intensity(flops=lambda b, i, o: 2 * b * i * o + b * o),
    ),
    ("bias/counted", _intensity(moved=lambda b, i, o, w, v: w * (i * o + o) + v * b * (i + o))),
    (
        "bias/counted",
        _intensity(
            lambda b, i, o: 2 * b * i * o + b * o,
            lambda b, i, o, w, v: w * (i * o + o) + v * b * (i + o),
        ),
    ),
]


def _question(b: int, i: int, o: int, w: float = 2, v: float = 2) -> str:
    return f"batch {b}, d_in {i}, d_out {o}, weight_bytes {w}, value_bytes {v}"


def intensity_default(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.intensity_default_inputs(seed)
    return judged(calls, inputs, _intensity(), _INTENSITY, _question)


def intensity_bytes(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.intensity_bytes_inputs(seed)
    return judged(calls, inputs, _intensity(), _INTENSITY, _question)


# accumulate


class _Parts:
    """The gradient of the summed loss of each micro-batch, and how many targets it has."""

    def __init__(self, seed: int, name: str):
        self.model, self.parts = probes.accumulate_inputs(seed, name)
        self.losses = [self._loss(*part) for part in self.parts]
        self.gradients = [self._gradient(loss) for loss in self.losses]
        self.targets = [int((targets != probes.IGNORED).sum()) for _, targets in self.parts]
        self.positions = [targets.numel() for _, targets in self.parts]
        self.rows = [len(ids) for ids, _ in self.parts]
        self.not_zero = [int((targets > 0).sum()) for _, targets in self.parts]

    def _loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        logits = self.model(ids)[targets != probes.IGNORED]
        return F.cross_entropy(logits, targets[targets != probes.IGNORED], reduction="sum")

    def _gradient(self, loss: Tensor) -> Tensor:
        grads = torch.autograd.grad(loss, list(self.model.parameters()), allow_unused=True)
        return torch.cat([grad.flatten() for grad in grads])

    def other_losses(self) -> list[tuple[str, Tensor]]:
        """The gradients of the mean loss of other targets."""
        shifted = [
            (
                self.model(ids)[:, :-1][kept := targets[:, 1:] != probes.IGNORED],
                targets[:, 1:][kept],
            )
            for ids, targets in self.parts
        ]
        learnt = [
            (self.model(ids).flatten(0, 1), targets.clamp(min=0).flatten())
            for ids, targets in self.parts
        ]
        found = []
        for slug, pairs in (("targets/shifted-again", shifted), ("targets/ignored-learnt", learnt)):
            logits, targets = (torch.cat(column) for column in zip(*pairs, strict=True))
            found.append((slug, self._gradient(F.cross_entropy(logits, targets))))
        return found

    def weighted(self, weights: Sequence[float]) -> Tensor:
        return sum(w * g for w, g in zip(weights, self.gradients, strict=True))

    def candidates(self) -> list[tuple[str, list[float]]]:
        """The weight of each micro-batch's summed loss under a misconception."""
        n, m = self.targets, len(self.parts)
        filled = [count for count in n if count]
        of_each = [1 / count if count else 0.0 for count in n]
        share = [rows / sum(self.rows) for rows in self.rows]
        positions = [p / sum(self.positions) for p in self.positions]
        return [
            ("scale/mean-of-means", [x / m for x in of_each]),
            ("scale/mean-of-means", [x / len(filled) for x in of_each]),
            ("scale/sum-of-means", of_each),
            ("scale/sum", [1.0] * m),
            ("scale/sum", [1 / m] * m),
            ("scale/by-rows", [x * s for x, s in zip(of_each, share, strict=True)]),
            ("scale/by-rows", [1 / sum(self.rows)] * m),
            ("scale/padding-counted", [1 / sum(self.positions)] * m),
            ("scale/padding-counted", [x * p for x, p in zip(of_each, positions, strict=True)]),
            ("scale/padding-counted", [1 / p / m for p in self.positions]),
            ("scale/token-left-out", [1 / sum(self.not_zero)] * m),
            ("parts/last", [0.0] * (m - 1) + [1 / sum(n)]),
            ("parts/last", [0.0] * (m - 1) + of_each[-1:]),
            ("parts/last", [0.0] * (m - 1) + [x / m for x in of_each[-1:]]),
            ("parts/first", [1 / sum(n)] + [0.0] * (m - 1)),
            ("parts/first", of_each[:1] + [0.0] * (m - 1)),
        ]

    @property
    def right(self) -> Tensor:
        return self.weighted([1 / sum(self.targets)] * len(self.parts))

    @property
    def mean_loss(self) -> float:
        return sum(loss.item() for loss in self.losses) / sum(self.targets)


def _gradients(calls: list[dict], seed: int, name: str) -> Refusal | None:
    (call,) = calls
    parts = _Parts(seed, name)
    right = parts.right
    expected = (
        f"gradients of the mean loss of {sum(parts.targets)} targets: {common.numbers(right, 4)}"
    )
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    if call["changed"]:
        return Refusal("step/taken", "the parameters as they were", "other values")
    if all(grad is None for grad in call["gradients"]):
        return Refusal("gradients/none", expected, "None")
    pairs = zip(call["gradients"], parts.model.parameters(), strict=True)
    seen = torch.cat([torch.zeros(p.numel()) if g is None else g.flatten() for g, p in pairs])
    if common.close(seen, right, TOLERANCE):
        if 0 in parts.targets and call["value"] != call["value"]:
            return Refusal("parts/no-targets", "a loss", "nan")
        if call["mode_changed"]:
            return Refusal("model/mode-changed", "the model in train mode, as before", "eval mode")
        return common.mutation(calls)
    text = common.numbers(seen, 4)
    if seen.isnan().any():
        return Refusal("parts/no-targets" if 0 in parts.targets else "value/nan", expected, text)
    for slug, weights in parts.candidates():
        if common.close(seen, parts.weighted(weights), TOLERANCE):
            return Refusal(slug, expected, text)
    factor = (seen @ right) / (right @ right)
    if common.close(seen, factor * right, TOLERANCE):
        return Refusal(
            "scale/other", expected, f"{text}, {common.number(factor.item())} times as much"
        )
    for slug, other in parts.other_losses():
        factor = (seen @ other) / (other @ other)  # however it is averaged
        if common.close(seen, factor * other, TOLERANCE):
            return Refusal(slug, expected, text)
    return Refusal("value/wrong", expected, text)


def accumulate_unequal(calls: list[dict], seed: int) -> Refusal | None:
    return _gradients(calls, seed, "unequal")


def accumulate_empty(calls: list[dict], seed: int) -> Refusal | None:
    return _gradients(calls, seed, "empty")


def accumulate_earlier(calls: list[dict], seed: int) -> Refusal | None:
    """Judges what is left of the earlier gradients alone: other cases judge the sum."""
    (call,) = calls
    if call["outcome"] == "raised":
        return common.raised(call, "gradients of these micro-batches alone")
    parts = _Parts(seed, "equal")
    if any(grad is None for grad in call["gradients"]):
        return Refusal("gradients/none", "a gradient for each parameter", "None")
    seen = torch.cat([grad.flatten() for grad in call["gradients"]])
    weights = [[1 / sum(parts.targets)] * len(parts.parts), *(w for _, w in parts.candidates())]
    for guess in weights:
        if common.close(seen - 1, parts.weighted(guess), TOLERANCE):
            told = "gradients that are 1 larger, as much as was there before"
            return Refusal("gradients/earlier-kept", "gradients of these micro-batches alone", told)
    if any(common.close(seen, parts.weighted(guess), TOLERANCE) for guess in weights):
        return None
    return _gradients(calls, seed, "equal")


def accumulate_one_graph(calls: list[dict], seed: int) -> Refusal | None:
    (call,) = calls
    expected = "forward, backward, forward, backward, … for each micro-batch"
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    events, n = call["events"], len(probes.EQUAL)
    if events == ["forward", "backward"] * n:
        if call["kept"]:
            return Refusal("graphs/retained", expected, "a backward pass that frees nothing")
        return None
    seen = ", ".join(events[:10]) or "no forward pass"
    at_once = any(a == b == "forward" for a, b in zip(events, events[1:], strict=False))
    slug = "graphs/all-at-once" if at_once or len(events) == 2 else "parts/one-by-one"
    return Refusal(slug, expected, seen)


def accumulate_loss(calls: list[dict], seed: int) -> Refusal | None:
    parts = _Parts(seed, "lengths")
    losses, n = [loss.item() for loss in parts.losses], parts.targets
    means = [loss / count for loss, count in zip(losses, n, strict=True)]
    candidates = [
        ("loss/sum", lambda: sum(losses)),
        ("loss/sum", lambda: sum(losses) / len(n)),
        ("loss/sum-of-means", lambda: sum(means)),
        *(
            (slug, lambda w=w: sum(x * loss for x, loss in zip(w, losses, strict=True)))
            for slug, w in parts.candidates()
            if slug.startswith("scale/") and slug not in ("scale/sum", "scale/sum-of-means")
        ),
        *(("loss/one-part", lambda x=x: x) for x in (*means, *losses)),
        *(("loss/one-part", lambda x=x: x / sum(n)) for x in losses),
        *(("loss/divided-twice", lambda x=x: parts.mean_loss / x) for x in (len(n), sum(n))),
    ]
    question = f"the mean loss of {sum(n)} targets"
    return judged(calls, [()], lambda: parts.mean_loss, candidates, lambda: question)


# checkpointed


def _chain(seed: int, n: int, needs_gradient: bool, dropout: float) -> tuple[list, Tensor]:
    return probes.checkpoint_inputs(seed, n, needs_gradient, dropout, lambda: None)


def _run(seed: int, blocks: list, x: Tensor) -> tuple[Tensor, list]:
    torch.manual_seed(seed + 1)
    y = x
    for block in blocks:
        y = block(y)
    y.square().sum().backward()
    return y.detach(), [x.grad, *(block.weight.grad for block in blocks)]


def _settings(calls: list[dict]) -> list[tuple[int, int]]:
    return [(call["seen"]["n"], call["seen"]["k"]) for call in calls]


def _no_tensor(call: dict, expected: str) -> Refusal | None:
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    return common.wrong_type(call["value"], expected)


def _output_and_gradients(
    calls: list[dict], seed: int, lengths: Sequence[tuple[int, int]], slugs: dict[str, str], **kind
) -> Refusal | None:
    """``slugs`` may give other names to missing or wrong gradients."""
    kind = {"needs_gradient": True, "dropout": 0.0} | kind
    for call, (n, k) in zip(calls, lengths, strict=True):
        blocks, x = _chain(seed, n, **kind)
        right, gradients = _run(seed, blocks, x)
        expected = f"{n} blocks, k = {k}: {common.numbers(right, 4)}"
        if refusal := _no_tensor(call, expected):
            return refusal
        if call["seen"]["changed"]:
            return Refusal("blocks/list-changed", "the list of blocks as it was", "another list")
        if call["seen"]["mode_changed"]:
            return Refusal(
                "blocks/mode-changed", "the blocks in train mode, as before", "eval mode"
            )
        value = call["value"]
        if value.shape != right.shape:
            return Refusal("shape/wrong", str(list(right.shape)), str(list(value.shape)))
        if not common.close(value, right, TOLERANCE):
            slug = _other_output(seed, value, n, k, kind)
            return Refusal(slug, expected, common.numbers(value, 4))
        after = call["after"]
        if after["outcome"] != "returned":
            slug = slugs.get("none", "gradients/none")
            return Refusal(slug, "a gradient for every block", common.error_text(after))
        if refusal := _wrong_gradients(after["value"], gradients, call["seen"], slugs):
            return refusal
        if call["seen"]["input_changed"]:
            return Refusal("input/changed", "x without a gradient, as before", "requires_grad")
    return common.mutation(calls)


def _other_output(seed: int, value: Tensor, n: int, k: int, kind: dict) -> str:
    guesses = {
        "blocks/left-over": lambda blocks: blocks[: n // k * k],
        "blocks/order": lambda blocks: blocks[::-1],
    }
    for slug, chosen in guesses.items():
        blocks, x = _chain(seed, n, **kind)
        torch.manual_seed(seed + 1)
        y = x
        for block in chosen(blocks):
            y = block(y)
        if common.close(value, y.detach(), TOLERANCE):
            return slug
    if kind["dropout"]:
        y, _ = _run(seed, *_chain(seed, n, **kind | {"dropout": 0.0}))
        if common.close(value, y, TOLERANCE):
            return "blocks/no-dropout"
    return "blocks/other"


def _wrong_gradients(seen: list, right: list, kept: dict, slugs: dict) -> Refusal | None:
    for place, (one, other) in enumerate(zip(seen, right, strict=True)):
        where = "x" if place == 0 else f"block {place - 1}"
        if other is None or (one is not None and common.close(one, other, TOLERANCE)):
            continue
        expected = f"the gradient of {where}: {common.numbers(other, 4)}"
        again = [b - a for a, b in zip(kept["forward"], kept["runs"], strict=True)]
        if max(again) > 1:
            text = f"in the backward pass the blocks run {again} times"
            return Refusal("recompute/late-binding", expected, text)
        if one is None:
            x_alone = seen[0] is not None and all(gradient is None for gradient in seen[1:])
            cut = slugs.get("none", "gradients/cut")
            return Refusal("gradients/parameters-cut" if x_alone else cut, expected, "None")
        return Refusal(slugs.get("wrong", "gradients/wrong"), expected, common.numbers(one, 4))
    return None


def checkpoint_values(calls: list[dict], seed: int) -> Refusal | None:
    return _output_and_gradients(calls, seed, probes.LENGTHS, {})


def checkpoint_plain_input(calls: list[dict], seed: int) -> Refusal | None:
    slugs = {"none": "input/needs-gradient"}
    return _output_and_gradients(calls, seed, [(4, 2)], slugs, needs_gradient=False)


def checkpoint_random(calls: list[dict], seed: int) -> Refusal | None:
    return _output_and_gradients(calls, seed, [(4, 2)], {"wrong": "random/drawn-anew"}, dropout=0.5)


def checkpoint_kept(calls: list[dict], seed: int) -> Refusal | None:
    for call in calls:
        expected = "one input for every k blocks, and no inner tensors"
        if refusal := _no_tensor(call, expected):
            return refusal
        if call["after"]["outcome"] != "returned":
            seen = common.error_text(call["after"])
            return Refusal("gradients/none", "a gradient for every block", seen)
        if refusal := _kept(call["seen"]):
            return refusal
    return None


def _kept(seen: dict) -> Refusal | None:
    n, k = seen["n"], seen["k"]
    groups = -(-n // k)
    expected = (
        f"{n} blocks, k = {k}: {groups} inputs and no inner tensors kept, {k} blocks run again at "
        "once"
    )
    text = (
        f"inner tensors of {seen['inner']} blocks and {len(seen['outputs'])} outputs kept, "
        f"{seen['most']} blocks run again at once"
    )
    if seen["inner"]:
        slug = "kept/everything" if seen["inner"] == n else "kept/some"
        return Refusal(slug, expected, text)
    runs = max(seen["runs"])
    if runs > 2:
        return Refusal("runs/too-often", "every block run twice", f"{runs} times")
    if seen["most"] > k:
        return Refusal("kept/too-long", expected, text)
    if len(seen["outputs"]) > groups + 1:
        return Refusal("kept/every-block", expected, text)
    if any((place + 1) % k for place in seen["outputs"] if place < n - 1):
        places = ", ".join(str(place + 1) for place in seen["outputs"] if place < n - 1)
        return Refusal("kept/elsewhere", expected, f"the inputs of blocks {places}")
    return None


# pad_batch


def pad_plain(calls: list[dict], seed: int) -> Refusal | None:
    return _padded(calls, probes.pad_plain_inputs(seed))


def pad_same_id(calls: list[dict], seed: int) -> Refusal | None:
    return _padded(calls, probes.pad_same_id_inputs(seed))


def pad_multiple(calls: list[dict], seed: int) -> Refusal | None:
    return _padded(calls, probes.pad_multiple_inputs(seed))


def pad_leaves(calls: list[dict], seed: int) -> Refusal | None:
    """Judges the texts alone: the other cases judge the batch."""
    (call,) = calls
    if call["outcome"] == "raised":
        return common.raised(call, "a batch")
    if call["texts_changed"]:
        return Refusal("texts/changed", "the texts as they were", "other lists")
    return common.wrong_type(call["value"], "a dict") if call["value"] is None else None


KEYS = ("input_ids", "attention_mask", "labels")


def _padded(calls: list[dict], inputs: list[tuple]) -> Refusal | None:
    for call, (texts, pad_id, *multiple) in zip(calls, inputs, strict=True):
        step = multiple[0] if multiple else 1
        lengths = [len(text) for text in texts]
        expected = f"texts of {lengths} tokens, pad_id {pad_id}, multiple {step}"
        if call["outcome"] == "raised":
            return common.raised(call, expected)
        if refusal := _no_batch(call["value"], expected):
            return refusal
        if refusal := _batch(call["value"], texts, pad_id, step, expected):
            return refusal
    return None


def _no_batch(value: object, expected: str) -> Refusal | None:
    if not isinstance(value, dict) or "type" in value:
        return common.wrong_type(value, "a dict of three tensors") or Refusal(
            "result/wrong-type", "a dict of three tensors", "a tensor"
        )
    missing = [key for key in KEYS if key not in value]
    if missing:
        return Refusal("keys/missing", ", ".join(KEYS), f"no {', no '.join(missing)}")
    for key in KEYS:
        if not isinstance(value[key], Tensor):
            return Refusal("result/wrong-type", f"{key} as a tensor", _kind(value[key]))
        if value[key].is_floating_point() or (value[key].dtype == torch.bool and key != KEYS[1]):
            return Refusal("dtype/not-whole", f"{key} of torch.long", str(value[key].dtype))
        if value[key].dtype != torch.long:
            return Refusal("dtype/not-long", f"{key} of torch.long", str(value[key].dtype))
    return None


def _kind(value: object) -> str:
    return value["text"] if isinstance(value, dict) and "text" in value else type(value).__name__


def _batch(batch: dict, texts: list, pad_id: int, multiple: int, told: str) -> Refusal | None:
    longest = max(map(len, texts))
    width = -(-longest // multiple) * multiple
    ids, mask = batch["input_ids"], batch["attention_mask"]
    if ids.dim() != 2 or len(ids) != len(texts):
        return Refusal("shape/wrong", f"{told}: [{len(texts)}, {width}]", str(list(ids.shape)))
    if ids.shape[1] != width:
        slug = _other_width(ids.shape[1], texts, multiple)
        return Refusal(slug, f"{told}: {width} columns", f"{ids.shape[1]}")
    right = torch.tensor([[*text, *[pad_id] * (width - len(text))] for text in texts])
    real = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in texts])
    if not torch.equal(ids.long(), right):
        return Refusal(_other_ids(ids.long(), texts, right, real), *_rows(told, right, ids))
    if mask.shape != real.shape:
        return Refusal("mask/causal", f"{told}: {list(real.shape)}", str(list(mask.shape)))
    if not torch.equal(mask.long(), real):
        by_id = (ids != pad_id).long()
        guesses = [("mask/by-id", by_id), ("mask/inverted", 1 - real), ("mask/inverted", 1 - by_id)]
        guesses += [("mask/all-ones", torch.ones_like(real))]
        return Refusal(_first(guesses, mask.long(), "mask/wrong"), *_rows(told, real, mask.long()))
    return _labels(batch["labels"], ids.long(), real, pad_id, told)


def _other_width(width: int, texts: list, multiple: int) -> str:
    longest, lengths = max(map(len, texts)), {len(text) for text in texts}
    if multiple > 1:
        if width == longest:
            return "width/multiple-ignored"
        if width == longest // multiple * multiple:
            return "width/rounded-down"
        if longest % multiple == 0 and width == longest + multiple:
            return "width/one-multiple-more"
    return "width/shortest" if width < longest or width in lengths else "width/fixed"


def _other_ids(ids: Tensor, texts: list, right: Tensor, real: Tensor) -> str:
    if torch.equal(ids * real, right * real):
        all_ignored = (ids[real == 0] == probes.IGNORED).all()
        return "labels/same-tensor" if all_ignored else "pad/another-id"
    if all(
        row[len(row) - len(text) :].tolist() == text for row, text in zip(ids, texts, strict=True)
    ):
        return "pad/left"
    if sorted(map(tuple, ids.tolist())) == sorted(map(tuple, right.tolist())):
        return "order/changed"
    return "ids/other"


def _labels(labels: Tensor, ids: Tensor, real: Tensor, pad_id: int, told: str) -> Refusal | None:
    right = ids.masked_fill(real == 0, probes.IGNORED)
    if labels.shape == right.shape and torch.equal(labels.long(), right):
        return None
    if labels.shape != right.shape:
        slug = "labels/shifted" if labels.shape[-1] == right.shape[-1] - 1 else "labels/wrong"
        return Refusal(slug, f"{told}: labels {list(right.shape)}", str(list(labels.shape)))
    end = torch.full_like(ids[:, :1], probes.IGNORED)
    by_id = ids.masked_fill(ids == pad_id, probes.IGNORED)
    shifted = [torch.cat([made[:, 1:], end], dim=1) for made in (right, by_id, ids)]
    guesses = [
        ("labels/by-id", by_id),
        ("labels/padding-counts", ids),
        ("labels/zero", ids * real),
        *(("labels/shifted", made) for made in shifted),
    ]
    return Refusal(_first(guesses, labels.long(), "labels/wrong"), *_rows(told, right, labels))


def _first(guesses: list[tuple[str, Tensor]], seen: Tensor, otherwise: str) -> str:
    return next((slug for slug, guess in guesses if torch.equal(guess, seen)), otherwise)


def _rows(told: str, right: Tensor, seen: Tensor) -> tuple[str, str]:
    """The first rows that differ."""
    row = int((right != seen).any(1).nonzero()[0])
    return f"{told}: row {row} is {right[row].tolist()[:24]}", str(seen[row].tolist()[:24])
