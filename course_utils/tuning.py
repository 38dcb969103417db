"""What a training step costs, counted and timed, and the techniques that change the price.

Memory is counted: parameters, gradients, the optimizer's state, and what autograd saves for the
backward pass. Time is measured in interleaved rounds, as ratios within a round.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

IGNORED = -100  # a target that does not count, as in F.cross_entropy
MEMORY = ("parameters", "gradients", "optimizer", "saved")


# Counting


def saved_bytes(forward: Callable[[], object], parameters: Iterable[Tensor] = ()) -> int:
    """Bytes that autograd saves for the backward pass while ``forward()`` runs.

    A storage counts once and whole, however many tensors look at it; those of ``parameters``,
    which are in memory anyway, do not count.
    """
    known = {_storage(parameter) for parameter in parameters}
    kept = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[_storage(tensor)] = tensor.untyped_storage()  # held, so that no address comes twice
        return tensor.detach()

    with saved_tensors_hooks(pack, _unpack):
        forward()
    return sum(storage.nbytes() for key, storage in kept.items() if key not in known)


def peak_saved_bytes(function: Callable[[], object], parameters: Iterable[Tensor] = ()) -> int:
    """The most bytes that saved tensors hold at one time while ``function()`` runs.

    As ``saved_bytes``, but what a backward pass has freed meanwhile counts no longer.
    """
    known = {_storage(parameter) for parameter in parameters}
    holders: Counter[int] = Counter()
    alive = peak = 0

    class Held:
        """A saved tensor, until autograd lets go of it."""

        def __init__(self, tensor: Tensor):
            nonlocal alive, peak
            self.tensor, self.key = tensor.detach(), _storage(tensor)
            holders[self.key] += 1
            if holders[self.key] == 1 and self.key not in known:
                alive += tensor.untyped_storage().nbytes()
                peak = max(peak, alive)

        def __del__(self):
            nonlocal alive
            holders[self.key] -= 1
            if holders[self.key] == 0 and self.key not in known:
                alive -= self.tensor.untyped_storage().nbytes()

    with saved_tensors_hooks(Held, lambda held: held.tensor):
        function()
    return peak


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _unpack(tensor: Tensor) -> Tensor:
    return tensor


def tensor_bytes(tensors: Iterable[Tensor | None]) -> int:
    """Bytes of the tensors; one that comes twice counts once, None as nothing."""
    kept = {_storage(tensor): tensor.nbytes for tensor in tensors if tensor is not None}
    return sum(kept.values())


def optimizer_bytes(optimizer: torch.optim.Optimizer) -> int:
    """Bytes of the state that an optimizer keeps between steps."""
    values = (value for state in optimizer.state.values() for value in state.values())
    return tensor_bytes(value for value in values if isinstance(value, Tensor))


def arithmetic_intensity(
    batch: int, d_in: int, d_out: int, weight_bytes: float = 2, value_bytes: float = 2
) -> float:
    """FLOPs of a linear layer without bias for each byte that it moves.

    A multiply-add is 2 FLOPs. Inputs and weights are read once, outputs written once; a weight
    takes ``weight_bytes``, an input or an output ``value_bytes``.
    """
    moved = weight_bytes * d_in * d_out + value_bytes * batch * (d_in + d_out)
    return 2 * batch * d_in * d_out / moved


# Measuring


@dataclass(frozen=True)
class Variant:
    """One way to do a step. ``step()`` returns its loss and leaves its gradients in the model.

    ``tokens`` says how many tokens it works on; the loss compares, model and optimizer are counted.
    """

    step: Callable[[], Tensor | float]
    tokens: int
    model: nn.Module
    optimizer: torch.optim.Optimizer | None = None


@dataclass(frozen=True)
class Cost:
    """What a variant took: seconds of each round, tokens and loss of a step, bytes by part."""

    seconds: tuple[float, ...]
    tokens: int
    loss: float
    bytes: Mapping[str, int]

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / median(self.seconds)


@dataclass(frozen=True)
class Measurement:
    """The costs of several variants, measured side by side; the first one is the base."""

    costs: Mapping[str, Cost]

    def times(self) -> dict[str, tuple[float, float, float]]:
        """Time of a token relative to the base's in the same round: median and both quartiles."""
        base = next(iter(self.costs.values()))
        ratios = {
            name: [
                (mine / cost.tokens) / (its / base.tokens)
                for mine, its in zip(cost.seconds, base.seconds, strict=True)
            ]
            for name, cost in self.costs.items()
        }
        return {name: _spread(values) for name, values in ratios.items()}

    def megabytes(self) -> dict[str, dict[str, float]]:
        """Counted memory by part, in MB (10⁶ bytes)."""
        return {
            name: {part: size / 1e6 for part, size in cost.bytes.items()}
            for name, cost in self.costs.items()
        }

    def memory(self) -> str:
        """The counted part of the table: the same on every machine."""
        parts = list(next(iter(self.costs.values())).bytes)
        rows = [("MB", *parts, "all", "ratio")]
        base = sum(next(iter(self.costs.values())).bytes.values())
        for name, cost in self.costs.items():
            total = sum(cost.bytes.values())
            sizes = [f"{cost.bytes[part] / 1e6:.2f}" for part in parts]
            rows.append((name, *sizes, f"{total / 1e6:.2f}", f"{total / base:.2f}"))
        return _table(rows)

    def __str__(self) -> str:
        """The whole table: time and memory relative to the base, tokens a second, loss."""
        base = sum(next(iter(self.costs.values())).bytes.values())
        rows = [("", "time of a token", "quartiles", "tokens/s", "memory", "loss")]
        for name, (middle, low, high) in self.times().items():
            cost = self.costs[name]
            memory = sum(cost.bytes.values()) / base
            speed = f"{cost.tokens_per_second:,.0f}"
            spread = f"{low:.2f}–{high:.2f}"
            rows.append((name, f"{middle:.2f}", spread, speed, f"{memory:.2f}", f"{cost.loss:.4f}"))
        return _table(rows)


def measure(
    variants: Mapping[str, Variant],
    repeats: int = 7,
    tolerance: float | None = 1e-4,
    clock: Callable[[], float] = time.perf_counter,
) -> Measurement:
    """Run the variants in turns, ``repeats`` rounds after one that counts memory and warms up.

    Every round begins with another variant. The losses of the first steps have to agree to
    ``tolerance``, relative to the base's: variants that compute something else are not compared.
    None allows it. On a GPU the table has its peak of allocated memory too.
    Raises ValueError for no variants, no rounds, or losses that differ.
    """
    if not variants or repeats < 1:
        raise ValueError(
            f"{len(variants)} variants, {repeats} rounds: give at least one variant and one round."
        )
    first = {name: _count(variant) for name, variant in variants.items()}
    if tolerance is not None:
        _refuse_other_losses({name: loss for name, (loss, _) in first.items()}, tolerance)
    names, seconds = list(variants), {name: [] for name in variants}
    for turn in range(repeats):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            seconds[name].append(_seconds(variants[name].step, clock))
    return Measurement(
        {name: Cost(tuple(seconds[name]), variants[name].tokens, *first[name]) for name in variants}
    )


def _count(variant: Variant) -> tuple[float, dict[str, int]]:
    parameters = list(variant.model.parameters())
    loss, on_gpu = math.nan, parameters[0].is_cuda

    def step() -> None:
        nonlocal loss
        value = variant.step()
        loss = value.item() if isinstance(value, Tensor) else value

    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    saved = peak_saved_bytes(step, parameters)
    optimizer = optimizer_bytes(variant.optimizer) if variant.optimizer else 0
    gradients = tensor_bytes(parameter.grad for parameter in parameters)
    sizes = (tensor_bytes(parameters), gradients, optimizer, saved)
    peak = {"GPU peak": torch.cuda.max_memory_allocated()} if on_gpu else {}
    return loss, dict(zip(MEMORY, sizes, strict=True)) | peak


def _refuse_other_losses(losses: Mapping[str, float], tolerance: float) -> None:
    (base, expected), *others = losses.items()
    for name, loss in others:
        if not abs(loss - expected) <= tolerance * abs(expected):
            raise ValueError(
                f"{name!r} has a loss of {loss:.6g}, {base!r} of {expected:.6g}: they compute "
                "different things. Start them from the same weights and data, or give "
                "tolerance=None."
            )


def _seconds(step: Callable[[], object], clock: Callable[[], float]) -> float:
    _wait_for_device()
    start = clock()
    step()
    _wait_for_device()
    return clock() - start


def _wait_for_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.backends.mps.is_available():
        torch.mps.synchronize()


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return (values[0],) * 3
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return middle, low, high


def _table(rows: Sequence[Sequence[str]]) -> str:
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(
        "  ".join([row[0].ljust(first), *map(str.rjust, row[1:], others)]).rstrip() for row in rows
    )


# Training with less memory


def accumulate(
    model: nn.Module,
    micro_batches: Sequence[tuple[Int[Tensor, "rows pos"], Int[Tensor, "rows pos"]]],
) -> float:
    """Gradients of the mean loss of all targets of all micro-batches, one micro-batch at a time.

    A micro-batch is (ids, targets); ``model(ids)`` gives logits [rows, pos, vocab]; targets of
    IGNORED do not count. Earlier gradients are dropped. Returns the mean loss.
    Raises ValueError if no target counts.
    """
    counted = sum(int((targets != IGNORED).sum()) for _, targets in micro_batches)
    if not counted:
        raise ValueError(
            f"No target counts in {len(micro_batches)} micro-batches: all are {IGNORED}."
        )
    model.zero_grad()
    total = 0.0
    for ids, targets in micro_batches:
        logits = model(ids).flatten(0, 1)
        loss = F.cross_entropy(logits, targets.flatten(), reduction="sum") / counted
        loss.backward()
        total += loss.item()
    return total


class _Recompute(torch.autograd.Function):
    """Keeps the input of ``run`` alone; the backward pass runs it again."""

    @staticmethod
    def forward(ctx, run, x, *parameters):
        ctx.run, ctx.random_state = run, torch.get_rng_state()
        ctx.save_for_backward(x, *parameters)
        return run(x)

    @staticmethod
    def backward(ctx, gradient):
        x, *parameters = ctx.saved_tensors
        x = x.detach().requires_grad_(x.requires_grad)
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.set_rng_state(ctx.random_state)
            y = ctx.run(x)
        inputs = [x, *parameters]
        needed = [tensor for tensor in inputs if tensor.requires_grad]
        gradients = iter(torch.autograd.grad(y, needed, gradient, allow_unused=True))
        return None, *(next(gradients) if t.requires_grad else None for t in inputs)


def recompute(run: nn.Module, x: Tensor) -> Tensor:
    """``run(x)``, of whose inner tensors none is kept for the backward pass: it runs ``run`` again,
    with the random numbers of the first time.

    On the CPU; ``torch.utils.checkpoint.checkpoint(run, x, use_reentrant=False)`` does it anywhere.
    """
    return _Recompute.apply(run, x, *run.parameters())


def checkpointed(
    blocks: Sequence[nn.Module], x: Float[Tensor, "*batch d"], k: int
) -> Float[Tensor, "*batch d"]:
    """What the blocks make of ``x``, one after another; of every k blocks one input is kept.

    Raises ValueError for a k below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}: give at least 1.")
    for start in range(0, len(blocks), k):
        x = recompute(nn.Sequential(*blocks[start : start + k]), x)
    return x


def pad_batch(
    texts: Sequence[Sequence[int]], pad_id: int, multiple: int = 1
) -> dict[str, Int[Tensor, "rows pos"]]:
    """Token ids of several texts as one batch, padded on the right.

    The width is that of the longest text, rounded up to a multiple of ``multiple``. Padding has
    an ``attention_mask`` of 0 and labels of IGNORED, and no other token has.
    Raises ValueError for no texts, or a ``multiple`` below 1.
    """
    if not texts or multiple < 1:
        raise ValueError(
            f"{len(texts)} texts, multiple {multiple}: give at least one text, and 1 or more."
        )
    longest = max(len(text) for text in texts)
    ids = torch.full((len(texts), math.ceil(longest / multiple) * multiple), pad_id)
    mask = torch.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.as_tensor(text)
        mask[row, : len(text)] = 1
    labels = ids.masked_fill(mask == 0, IGNORED)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


class CorpusBatches(torch.utils.data.Dataset):
    """Batches of training windows of the course's corpus, made when they are asked for."""

    def __init__(self, tokenizer, count: int, rows: int, window: int, seed: int = 0):
        from course_utils.course_lm.corpus import Corpus

        self.corpus, self.count, self.rows = Corpus(tokenizer, seed, window), count, rows

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Int[Tensor, "rows window"]:
        return self.corpus.batch(index, self.rows).ids


# Fewer trainable parameters, smaller weights


class LoRALinear(nn.Module):
    """A frozen linear layer with a trainable update of low rank (Hu et al., LoRA, 2021).

    y = base(x) + alpha / rank · x Aᵀ Bᵀ, with A [rank, d_in] drawn at random and B [d_out, rank]
    zero at first. Raises ValueError for a rank below 1.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float):
        if rank < 1:
            raise ValueError(f"rank is {rank}: give at least 1.")
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        weight = base.weight
        self.A = nn.Parameter(weight.new_empty(rank, base.in_features))
        self.B = nn.Parameter(weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))

    def forward(self, x: Float[Tensor, "*batch d_in"]) -> Float[Tensor, "*batch d_out"]:
        return self.base(x) + self.scale * (x @ self.A.T @ self.B.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """A plain layer of the same output; this one and its base stay as they are."""
        weight = self.base.weight + self.scale * self.B @ self.A
        bias = self.base.bias
        layer = nn.Linear(*weight.shape[::-1], bias=bias is not None, device="meta")
        layer.weight = nn.Parameter(weight, requires_grad=False)
        if bias is not None:
            layer.bias = nn.Parameter(bias.clone(), requires_grad=False)
        return layer


class Int8Linear(nn.Module):
    """A linear layer whose weights are int8, with one scale for each output.

    ``values`` [d_out, d_in] are int8 from -127 to 127, ``scale`` [d_out, 1] is the largest
    absolute weight of an output divided by 127. A row of zeros stays zeros.
    """

    def __init__(self, linear: nn.Linear):
        super().__init__()
        weight = linear.weight.detach()
        scale = weight.abs().amax(dim=1, keepdim=True) / 127
        values = (weight / scale.masked_fill(scale == 0, 1)).round()
        self.register_buffer("values", values.to(torch.int8))
        self.register_buffer("scale", scale)
        self.bias = linear.bias

    def dequantized(self) -> Float[Tensor, "d_out d_in"]:
        """The weights that it stands for, in the dtype of the scale."""
        return self.values * self.scale

    def forward(self, x: Float[Tensor, "*batch d_in"]) -> Float[Tensor, "*batch d_out"]:
        return F.linear(x, self.dequantized(), self.bias)
