"""Probes and inputs for the exercises of ``10_performance_tuning``."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from course_utils.checks.probes.guard import attempt

IGNORED = -100
WORDS = 13  # of the small language model
WIDTH = 6  # of its embedding, and of the blocks


class Draw:
    """Numbers drawn from the seed."""

    def __init__(self, seed: int, stream: int):
        self.generator = torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)

    def between(self, low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def tokens(self, *shape: int, low: int = 0) -> Tensor:
        return torch.randint(low, WORDS, shape, generator=self.generator)

    def normal(self, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=dtype)


def lenient(answer: Callable) -> Callable:
    """The answer, with NumPy's numbers, tensors of one number and other mappings made plain."""
    if not callable(answer):
        return answer

    @functools.wraps(answer, updated=())
    def call(*args, **kwargs):
        return _plain(answer(*args, **kwargs))

    return call


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    single = isinstance(value, Tensor) and value.dim() == 0 and value.device.type != "meta"
    return value.item() if single or isinstance(value, np.generic) else value


# saved_bytes(forward, parameters=())


class Forward:
    """A forward pass that counts its runs and keeps its result."""

    def __init__(self, compute: Callable[[], Tensor]):
        self.compute, self.runs, self.result = compute, 0, None

    def __call__(self) -> Tensor:
        self.runs += 1
        self.result = self.compute()
        return self.result

    @property
    def has_graph(self) -> bool:
        return isinstance(self.result, Tensor) and self.result.requires_grad


def sizes(seed: int, stream: int) -> tuple[int, int, int]:
    """Rows, inputs and outputs: three different numbers."""
    draw = Draw(seed, stream)
    return draw.between(3, 9), draw.between(11, 19), draw.between(21, 29)


def _leaf(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return (
        torch.linspace(0.1, 1, torch.Size(shape).numel(), dtype=dtype).view(shape).requires_grad_()
    )


def _counted(answer: Callable, compute: Callable[[], Tensor], *parameters) -> dict:
    forward = Forward(compute)
    call = attempt(lenient(answer), forward, *parameters)
    _hooks_left()
    return call | {"runs": forward.runs, "graph": forward.has_graph}


def saved_results(answer: Callable, seed: int) -> list[dict]:
    """Results in float64, in bfloat16, and a mask of truth values."""
    rows, inputs, _ = sizes(seed, 1)
    double, half = (_leaf(rows, inputs, dtype=d) for d in (torch.float64, torch.bfloat16))
    return [
        _counted(answer, lambda: double.exp().tanh().sum(1).exp().sum()),
        _counted(answer, lambda: half.sigmoid().exp().sum()),
        _counted(answer, lambda: double.masked_fill(double > 0.5, 0.0).sum()),
    ]


def saved_shared(answer: Callable, seed: int) -> list[dict]:
    rows, inputs, _ = sizes(seed, 2)
    x = _leaf(rows, inputs)
    return [
        _counted(answer, lambda: (x.exp() * x.exp().T.contiguous().T).sum()),
        _counted(answer, lambda: _used_twice(x)),
        _counted(
            answer, lambda: (x * x).sum() + (x.T * x.T).sum() + (x.view(-1) * x.view(-1)).sum()
        ),
    ]


def _used_twice(x: Tensor) -> Tensor:
    kept = x.exp()
    return (kept * kept).sum() + (kept @ kept.T).sum()


def saved_views(answer: Callable, seed: int) -> list[dict]:
    """Parts of a tensor that is itself not saved."""
    rows, inputs, _ = sizes(seed, 3)
    x = _leaf(rows, inputs)

    def one_part() -> Tensor:
        part = (x + 1)[:, :2]
        return (part * part).sum()

    def two_parts() -> Tensor:
        left, right = (x + 1).split((3, inputs - 3), dim=1)
        return (left * left).sum() + (right * right).sum()

    return [_counted(answer, one_part), _counted(answer, two_parts)]


def saved_parameters(answer: Callable, seed: int) -> list[dict]:
    """Parameters from a list and from a generator; the last network's are not given."""
    rows, inputs, outputs = sizes(seed, 4)
    layer = nn.Linear(inputs, outputs)
    x, plain = _leaf(rows, inputs), torch.ones(rows, inputs)
    network = nn.Sequential(nn.Linear(inputs, outputs), nn.Tanh(), nn.Linear(outputs, inputs))
    return [
        _counted(answer, lambda: _two_halves(x, layer.weight), [layer.weight, layer.bias]),
        _counted(answer, lambda: network(plain).sum(), network.parameters()),
        _counted(answer, lambda: network(plain).sum()),
    ]


def _two_halves(x: Tensor, weight: Tensor) -> Tensor:
    """Two projections by one parameter, as for queries and keys that share a matrix."""
    one, other = weight[:5], weight[5:]
    return (x @ one.T).exp().sum() + (x @ other.T).exp().sum()


def saved_leaves(answer: Callable, seed: int) -> list[dict]:
    """With ``after``, the gradient through the pass that was counted, ``copied``: whether the graph
    holds another storage than the input's, and ``left``: whether a hook is still on."""
    rows, inputs, _ = sizes(seed, 5)
    x = _leaf(rows, inputs, dtype=torch.float64)
    forward = Forward(lambda: (x.T.exp() * x.T).sum())
    call = attempt(lenient(answer), forward)
    copied = attempt(_copied, forward, x)
    after = attempt(_gradient, forward, x)
    told = {"runs": forward.runs, "graph": forward.has_graph, "left": _hooks_left()}
    return [call | told | {"after": after, "copied": copied.get("value") is True}]


def _gradient(forward: Forward, x: Tensor) -> Tensor:
    return torch.autograd.grad(forward.result, x)[0]


def _copied(forward: Forward, x: Tensor) -> bool:
    """Whether the product of the pass has saved a copy of x.T."""
    product = forward.result.grad_fn.next_functions[0][0]
    saved = product._saved_other
    return saved.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()


def _hooks_left() -> bool:
    """Whether a hook for saved tensors is still on; it is taken off."""
    try:
        saved_tensors_hooks(_same, _same).__exit__()
    except RuntimeError:
        return False
    return True


def _same(value: object) -> object:
    return value


# arithmetic_intensity(batch, d_in, d_out, weight_bytes=2, value_bytes=2)


def intensity_default_inputs(seed: int) -> list[tuple]:
    draw = Draw(seed, 11)
    return [
        (1, draw.between(50, 99), draw.between(200, 299)),
        (draw.between(7, 31), draw.between(200, 299), draw.between(50, 99)),
        (draw.between(300, 999), draw.between(100, 199), draw.between(200, 299)),
        (draw.between(7, 31), draw.between(50, 99), draw.between(200, 299), 2, 2),
    ]


def intensity_bytes_inputs(seed: int) -> list[tuple]:
    draw = Draw(seed, 12)
    return [
        (draw.between(7, 31), draw.between(50, 99), draw.between(200, 299), 1, 2),
        (draw.between(7, 31), draw.between(200, 299), draw.between(50, 99), 0.5, 4),
        (draw.between(300, 999), draw.between(100, 199), draw.between(200, 299), 4, 2),
    ]


def intensity_default(answer: Callable, seed: int) -> list[dict]:
    return [attempt(lenient(answer), *given) for given in intensity_default_inputs(seed)]


def intensity_bytes(answer: Callable, seed: int) -> list[dict]:
    return [attempt(lenient(answer), *given) for given in intensity_bytes_inputs(seed)]


# accumulate(model, micro_batches)


class _Held:
    """What a graph has saved; it is gone when the graph has let go of it."""

    def __init__(self, tensor: Tensor):
        self.tensor = tensor


class SmallLM(nn.Module):
    """Ids to logits; notes in ``events`` when it runs forward and when backward.

    ``kept`` is how many tensors of earlier passes were still saved, after their backward pass, when
    another pass began.
    """

    def __init__(self, draw: Draw):
        super().__init__()
        self.embedding = nn.Parameter(draw.normal(WORDS, WIDTH))
        self.unembedding = nn.Parameter(draw.normal(WIDTH, WORDS))
        self.events: list[str] = []
        self.saved: list[weakref.ref] = []
        self.kept = 0

    def forward(self, ids: Tensor) -> Tensor:
        if self.events[-1:] == ["backward"]:
            self.kept = max(self.kept, alive(self.saved))
        with saved_tensors_hooks(self._hold, lambda held: held.tensor):
            logits = (self.embedding[ids] @ self.unembedding).tanh() * 3
        self.events.append("forward")
        if logits.requires_grad:
            logits.register_hook(lambda gradient: self.events.append("backward"))
        return logits

    def _hold(self, tensor: Tensor) -> _Held:
        held = _Held(tensor)
        self.saved.append(weakref.ref(held))
        return held


def micro_batches(seed: int, stream: int, shapes: list[tuple[int, int, int]], low: int = 0):
    """One (ids, targets) for each (rows, length, ignored targets at the end of every row)."""
    draw, made = Draw(seed, stream), []
    for rows, length, ignored in shapes:
        ids, targets = draw.tokens(rows, length), draw.tokens(rows, length, low=low)
        targets[:, length - ignored :] = IGNORED
        made.append((ids, targets))
    return made


UNEQUAL = [(3, 7, 2), (1, 4, 0), (2, 9, 5), (4, 3, 1)]
EQUAL = [(2, 5, 0), (2, 5, 0), (2, 5, 0)]
EMPTY = [(2, 5, 1), (2, 5, 5), (2, 5, 1)]


def accumulate_inputs(seed: int, name: str) -> tuple[SmallLM, list]:
    """``name``: "unequal" has targets of 0, "lengths" has none."""
    shapes, stream = {
        "unequal": (UNEQUAL, 21),
        "equal": (EQUAL, 22),
        "empty": (EMPTY, 23),
        "lengths": (UNEQUAL, 24),
    }[name]
    parts = micro_batches(seed, stream, shapes, low=0 if name == "unequal" else 1)
    if name == "unequal":
        for _, targets in parts:
            targets[0, 0] = 0  # a token like any other
    return SmallLM(Draw(seed, stream + 50)), parts


def _accumulated(answer: Callable, seed: int, name: str, earlier: bool = False) -> list[dict]:
    """With ``gradients``, ``events``, ``kept``, and whether a parameter (``changed``), the mode
    (``mode_changed``) or a micro-batch (``mutated``) is another now."""
    model, parts = accumulate_inputs(seed, name)
    given = [(ids.clone(), targets.clone()) for ids, targets in parts]
    before = [parameter.detach().clone() for parameter in model.parameters()]
    if earlier:
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
    call = attempt(lenient(answer), model, parts)
    pairs = zip(model.parameters(), before, strict=True)
    return [
        call
        | {
            "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
            "events": list(model.events),
            "kept": model.kept,
            "changed": any(not torch.equal(p, b) for p, b in pairs),
            "mode_changed": not model.training,
            "mutated": not _same_parts(parts, given),
        }
    ]


def _same_parts(parts: list, given: list) -> bool:
    return len(parts) == len(given) and all(
        torch.equal(one, other)
        for part, part_given in zip(parts, given, strict=True)
        for one, other in zip(part, part_given, strict=True)
    )


def accumulate_unequal(answer: Callable, seed: int) -> list[dict]:
    return _accumulated(answer, seed, "unequal")


def accumulate_one_graph(answer: Callable, seed: int) -> list[dict]:
    return _accumulated(answer, seed, "equal")


def accumulate_earlier(answer: Callable, seed: int) -> list[dict]:
    return _accumulated(answer, seed, "equal", earlier=True)


def accumulate_empty(answer: Callable, seed: int) -> list[dict]:
    return _accumulated(answer, seed, "empty")


def accumulate_loss(answer: Callable, seed: int) -> list[dict]:
    return _accumulated(answer, seed, "lengths")


# checkpointed(blocks, x, k)


class _Kept(torch.autograd.Function):
    """tanh, which saves a tensor of its own; the block knows of each whether it is still there."""

    @staticmethod
    def forward(ctx, x, block):
        inner = x.detach().tanh()
        block.inner.append(weakref.ref(inner))
        ctx.save_for_backward(inner)
        ctx.block = block
        return inner * 1

    @staticmethod
    def backward(ctx, gradient):
        (inner,) = ctx.saved_tensors
        ctx.block.on_backward()
        return gradient * (1 - inner * inner), None


class Block(nn.Module):
    def __init__(self, draw: Draw, dropout: float, on_backward: Callable[[], None]):
        super().__init__()
        self.weight = nn.Parameter(draw.normal(WIDTH, WIDTH) / WIDTH**0.5)
        self.dropout, self.on_backward = dropout, on_backward
        self.inner: list[weakref.ref] = []
        self.outputs: list[weakref.ref] = []
        self.runs = 0

    def forward(self, x: Tensor) -> Tensor:
        self.runs += 1
        y = x + _Kept.apply(x @ self.weight, self)
        y = nn.functional.dropout(y, self.dropout, self.training)
        self.outputs.append(weakref.ref(y))
        return y


def alive(references: list[weakref.ref]) -> int:
    return sum(reference() is not None for reference in references)


def checkpoint_inputs(seed: int, n: int, needs_gradient: bool, dropout: float, on_backward):
    draw = Draw(seed, 31 + n)
    blocks = [Block(draw, dropout, on_backward) for _ in range(n)]
    return blocks, draw.normal(3, WIDTH).requires_grad_(needs_gradient)


def _checkpointed(
    answer: Callable, seed: int, n: int, k: int, needs_gradient=True, dropout=0.0
) -> dict:
    """With the gradients, and what was kept when, in ``seen``."""
    most = 0

    def on_backward() -> None:
        nonlocal most
        most = max(most, sum(alive(block.inner) for block in blocks))

    blocks, x = checkpoint_inputs(seed, n, needs_gradient, dropout, on_backward)
    torch.manual_seed(seed + 1)
    given = list(blocks)
    call, kept = _with_result(answer, given, x, k)
    if not isinstance(kept, Tensor):
        return call
    seen = {
        "inner": sum(alive(block.inner) for block in blocks),
        "outputs": [place for place, block in enumerate(blocks) if alive(block.outputs)],
        "forward": [block.runs for block in blocks],
        "n": n,
        "k": k,
        "changed": given != blocks,
        "mode_changed": not all(block.training for block in blocks),
        "input_changed": x.requires_grad != needs_gradient,
    }
    after = attempt(_backward, kept, [x, *(block.weight for block in blocks)])
    runs = [block.runs for block in blocks]
    return call | {"seen": seen | {"most": most, "runs": runs}, "after": after}


def _with_result(answer: Callable, *arguments) -> tuple[dict, object]:
    """The outcome and the tensor itself, which leads to its graph."""
    results = []

    @functools.wraps(answer, updated=())
    def call(*args):
        results.append(answer(*args))
        return results[0]

    outcome = attempt(call, *arguments)
    return outcome, results[0] if results else None


def _backward(y: Tensor, leaves: list[Tensor]) -> list:
    """The gradients of the leaves, as ``backward`` leaves them; None where there is none."""
    y.square().sum().backward()
    return [leaf.grad for leaf in leaves]


LENGTHS = [(4, 1), (4, 2), (7, 3), (5, 2), (3, 5)]  # of blocks, and k


def checkpoint_values(answer: Callable, seed: int) -> list[dict]:
    return [_checkpointed(answer, seed, n, k) for n, k in LENGTHS]


def checkpoint_kept(answer: Callable, seed: int) -> list[dict]:
    return [_checkpointed(answer, seed, n, k) for n, k in ((12, 2), (11, 3), (12, 4))]


def checkpoint_plain_input(answer: Callable, seed: int) -> list[dict]:
    return [_checkpointed(answer, seed, 4, 2, needs_gradient=False)]


def checkpoint_random(answer: Callable, seed: int) -> list[dict]:
    return [_checkpointed(answer, seed, 4, 2, dropout=0.5)]


# pad_batch(texts, pad_id, multiple=1)


def _texts(seed: int, stream: int, low: int, extra: tuple[int, ...] = ()) -> list[list[int]]:
    draw = Draw(seed, stream)
    lengths = [draw.between(3, 5), draw.between(9, 11), 1, draw.between(6, 8), *extra]
    return [draw.tokens(length, low=low).tolist() for length in lengths]


def pad_plain_inputs(seed: int) -> list[tuple]:
    return [(_texts(seed, 41, low=3), 2), (_texts(seed, 42, low=3)[:1], 1)]


def pad_same_id_inputs(seed: int) -> list[tuple]:
    """The pad id stands in the texts too, at their ends among others."""
    texts = _texts(seed, 43, low=3)
    return [([[*text, 2] for text in texts], 2, 1), ([[2, *text] for text in texts], 2, 1)]


def pad_multiple_inputs(seed: int) -> list[tuple]:
    return [
        (_texts(seed, 44, low=3), 2, 8),
        (_texts(seed, 45, low=3, extra=(16,)), 1, 8),
        (_texts(seed, 46, low=3), 2, 64),
    ]


def _padded(answer: Callable, given: tuple) -> dict:
    texts, *others = given
    own = [list(text) for text in texts]
    call = attempt(lenient(answer), own, *others)
    return call | {"texts_changed": own != texts}


def pad_plain(answer: Callable, seed: int) -> list[dict]:
    return [_padded(answer, given) for given in pad_plain_inputs(seed)]


def pad_same_id(answer: Callable, seed: int) -> list[dict]:
    return [_padded(answer, given) for given in pad_same_id_inputs(seed)]


def pad_multiple(answer: Callable, seed: int) -> list[dict]:
    return [_padded(answer, given) for given in pad_multiple_inputs(seed)]


def pad_leaves(answer: Callable, seed: int) -> list[dict]:
    return [_padded(answer, (_texts(seed, 47, low=3), 2, 4))]
