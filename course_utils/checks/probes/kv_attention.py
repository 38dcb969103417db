"""Probes and inputs for ``kv_cache.attention_with_cache``.

Every object of the answer's class gets weights made from the seed. An outcome has a ``step``: a
label that says in words what was done. Sizes differ from each other wherever they can, so that no
two dimensions can stand for each other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils.checks.probes.guard import attempt

BATCH, D_MODEL, HEADS = 2, 12, 3
PROJECTIONS = ("W_q", "W_k", "W_v", "W_o")
DROPOUT, ROWS = 0.25, 128
LARGE, HIDDEN = 40.0, 100.0
OFFSET = 1e6


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


class Inputs:
    """Weights and inputs drawn one after the other from the seed."""

    def __init__(self, seed: int, stream: int, d_model: int = D_MODEL, heads: int = HEADS):
        self.generator = _generator(seed, stream)
        self.d_model, self.heads = d_model, heads
        self.weights = {name: self._matrix() for name in PROJECTIONS}

    def _matrix(self) -> Tensor:
        """Such that scores have a spread of about 1.5: the softmax is neither flat nor peaked."""
        return 1.2 * self._normal(self.d_model, self.d_model) / self.d_model**0.5

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def x(self, length: int, batch: int = BATCH) -> Tensor:
        return self._normal(batch, length, self.d_model)

    def allowed(self, *shape: int) -> Tensor:
        """A boolean mask in which every query sees at least its own token, the last keys' one."""
        mask = torch.rand(*shape, generator=self.generator) < 0.5
        new, keys = shape[-2:]
        own = torch.arange(new)
        mask[..., own, keys - new + own] = True
        mask[..., -1, 0] = False
        return mask

    def bias(self, *shape: int) -> Tensor:
        """A float mask: -inf where not allowed, and other numbers than 0 elsewhere."""
        return self._normal(*shape).masked_fill(~self.allowed(*shape), -torch.inf)


class Session:
    """One object of the answer's class; ``calls`` notes what came of each step."""

    def __init__(
        self,
        answer: type,
        inputs: Inputs,
        dropout_p: float | None = None,
        dtype: torch.dtype = torch.float64,
    ):
        self.calls: list[dict] = []
        made: list[object] = []

        @functools.wraps(answer, updated=())
        def build(*args, **kwargs):
            made.append(answer(*args, **kwargs))

        options = {} if dropout_p is None else {"dropout_p": dropout_p}
        self.do("building it", build, inputs.d_model, inputs.heads, **options)
        self.module = made[0] if made else None
        self.do("its weights", _load, self.module, inputs.weights, dtype)
        self.broken = not made or self.calls[-1].get("value") != ""

    def do(self, step: str, function: Callable, *args, **kwargs) -> None:
        self.calls.append({"step": step, **attempt(function, *args, **kwargs)})

    def forward(self, step: str, x: Tensor, **options) -> Session:
        if not self.broken:
            options = {k: v.clone() if isinstance(v, Tensor) else v for k, v in options.items()}
            self.do(step, self.module.forward, x.clone(), **options)
        return self

    def cached(self, step: str, x: Tensor, **options) -> Session:
        return self.forward(step, x, use_cache=True, **options)

    def clear(self) -> Session:
        if not self.broken:
            self.do("clear_cache()", lambda: self.module.clear_cache())
        return self

    def size(self, when: str = "") -> Session:
        if not self.broken:
            step = f"get_cache_size() {when}".strip()
            self.do(step, lambda: self.module.get_cache_size())
        return self


def _load(module: object, weights: dict[str, Tensor], dtype: torch.dtype) -> str:
    """Give the module its weights; what hinders it in words, "" if nothing does."""
    if not isinstance(module, nn.Module):
        return "the class is no nn.Module"
    module.to(dtype)
    for name, weight in weights.items():
        layer = getattr(module, name, None)
        own = getattr(layer, "weight", None)
        if not isinstance(own, Tensor):
            return f"there is no {name} with a weight"
        if own.shape != weight.shape:
            return f"{name}.weight is of shape {list(own.shape)}, not {list(weight.shape)}"
        if getattr(layer, "bias", None) is not None:
            return f"{name} has a bias"
        with torch.no_grad():
            own.copy_(weight)
    return ""


def _joined(*sessions: Session) -> list[dict]:
    return [call for session in sessions for call in session.calls]


# Without a cache: a fresh object for every call


def plain(answer: type, seed: int) -> list[dict]:
    inputs = Inputs(seed, 201)
    x, other, one = inputs.x(5), inputs.x(4, batch=4), inputs.x(1)
    steps = {
        "forward(x)": x,
        "forward(x) again": x,
        "another batch": other,
        "a single token": one,
        "large scores": x * LARGE,
    }
    return _joined(*(Session(answer, inputs).forward(step, x) for step, x in steps.items()))


def masks(answer: type, seed: int) -> list[dict]:
    inputs = Inputs(seed, 202)
    x = inputs.x(5)
    options = {
        "is_causal": {"is_causal": True},
        "boolean (L, S)": {"attn_mask": inputs.allowed(5, 5)},
        "float (L, S)": {"attn_mask": inputs.bias(5, 5)},
        "boolean (1, 1, L, S)": {"attn_mask": inputs.allowed(1, 1, 5, 5)},
        "float (1, 1, L, S)": {"attn_mask": inputs.bias(1, 1, 5, 5)},
        "boolean (B, 1, L, S)": {"attn_mask": inputs.allowed(BATCH, 1, 5, 5)},
        "float (B, 1, L, S)": {"attn_mask": inputs.bias(BATCH, 1, 5, 5)},
        "boolean (L, S) and is_causal": {"attn_mask": inputs.allowed(5, 5), "is_causal": True},
        "float (B, 1, L, S) and is_causal": {
            "attn_mask": inputs.bias(BATCH, 1, 5, 5),
            "is_causal": True,
        },
    }
    sessions = [Session(answer, inputs).forward(step, x, **o) for step, o in options.items()]
    far = x * torch.tensor([1.0, 1, 1, HIDDEN, HIDDEN], dtype=x.dtype)[:, None]
    near = torch.arange(5).expand(5, 5) < 3
    hidden = Session(answer, inputs).forward("boolean, large scores hidden", far, attn_mask=near)
    return _joined(*sessions, hidden)


# With a cache: each session starts with clear_cache(), so that a cache that outlives its object
# shows in ``state`` alone


def decoding(answer: type, seed: int) -> list[dict]:
    inputs = Inputs(seed, 203)
    basic = Session(answer, inputs).clear().size("before anything")
    basic.cached("prefill of 4", inputs.x(4)).size("after 4 tokens")
    basic.cached("a token after 4", inputs.x(1)).size("after 5 tokens")
    basic.cached("a token after 5", inputs.x(1)).size("after 6 tokens")
    chunks = Session(answer, inputs).clear()
    chunks.cached("prefill of 3", inputs.x(3)).cached("a chunk of 4 after 3", inputs.x(4))
    chunks.size("after 7 tokens").cached("a token after 7", inputs.x(1))
    chunks.cached("a chunk of 2 after 8", inputs.x(2)).size("after 10 tokens")
    tokens = Session(answer, inputs).clear()
    tokens.cached("a first token alone", inputs.x(1)).cached("a second token", inputs.x(1))
    tokens.cached("a third token", inputs.x(1)).size("after 3 tokens")
    return _joined(basic, chunks, tokens, _long(answer, seed), _longest(answer, seed))


LONG_CHUNKS = (60, 140, 1, 130, 200, 1)
LONGEST = 4200


def _long(answer: type, seed: int) -> Session:
    """Only the last token's row is noted."""
    inputs = Inputs(seed, 204, d_model=4, heads=2)
    session, seen = Session(answer, inputs).clear(), 0
    for length in LONG_CHUNKS:
        seen += length
        if not session.broken:
            x = inputs.x(length)
            session.do(f"long: {seen} tokens, the last row", _last_row, session.module, x)
    return session


def _last_row(module: nn.Module, x: Tensor) -> list[Tensor]:
    output, weights = module.forward(x, use_cache=True)
    return [output[:, -1:], weights[..., -1:, :]]


def _longest(answer: type, seed: int) -> Session:
    """How many keys a token sees on the device "meta", where length costs nothing."""
    inputs = Inputs(seed, 215, d_model=4, heads=2)
    session = Session(answer, inputs, dtype=torch.float32).clear()
    if not session.broken:
        session.do(f"longest: {LONGEST} tokens", _keys_seen, session.module, inputs.d_model)
    return session


def _keys_seen(module: nn.Module, d_model: int) -> int:
    module.to("meta")
    module.forward(torch.empty(1, LONGEST - 1, d_model, device="meta"), use_cache=True)
    _, weights = module.forward(torch.empty(1, 1, d_model, device="meta"), use_cache=True)
    return weights.shape[-1]


def state(answer: type, seed: int) -> list[dict]:
    inputs = Inputs(seed, 205)
    empty = Session(answer, inputs).clear().forward("use_cache=False at first", inputs.x(2))
    empty.size("after use_cache=False at first").cached("prefill after it", inputs.x(3))
    unused = Session(answer, inputs).clear().cached("prefill of 3", inputs.x(3))
    unused.cached("a token after 3", inputs.x(1)).size("before use_cache=False")
    unused.forward("use_cache=False between", inputs.x(5)).size("after use_cache=False")
    unused.cached("a token after use_cache=False", inputs.x(1)).size("after 5 tokens")
    cleared = Session(answer, inputs).clear().cached("prefill of 4", inputs.x(4)).clear()
    cleared.size("after clear_cache()").cached("another batch, cleared", inputs.x(2, batch=4))
    cleared.size("after 2 tokens").cached("a token after clearing", inputs.x(1, batch=4))
    first, second = Session(answer, inputs), Session(answer, inputs)
    first.cached("prefill of 3, first object", inputs.x(3))
    second.size("of a second object").cached("prefill of 2, second object", inputs.x(2))
    first.size("of the first object").cached("a token, first object", inputs.x(1))
    second.cached("a token, second object", inputs.x(1)).size("of the second object")
    return _joined(empty, unused, cleared, first, second)


def masks_over_a_cache(answer: type, seed: int) -> list[dict]:
    inputs = Inputs(seed, 206)
    causal = Session(answer, inputs).clear()
    causal.cached("is_causal, prefill of 4", inputs.x(4), is_causal=True)
    causal.cached("is_causal, a chunk of 3 after 4", inputs.x(3), is_causal=True)
    causal.cached("is_causal, a token after 7", inputs.x(1), is_causal=True)
    causal.cached("is_causal, a chunk of 2 after 8", inputs.x(2), is_causal=True)
    causal.forward("is_causal, use_cache=False beside 10", inputs.x(12), is_causal=True)
    given = Session(answer, inputs).clear()
    given.cached("boolean, prefill of 3", inputs.x(3), attn_mask=inputs.allowed(3, 3))
    given.cached("boolean, a chunk of 2 after 3", inputs.x(2), attn_mask=inputs.allowed(2, 5))
    given.cached("float, a token after 5", inputs.x(1), attn_mask=inputs.bias(1, 1, 1, 6))
    given.cached("boolean, a token after 6", inputs.x(1), attn_mask=inputs.allowed(BATCH, 1, 1, 7))
    both = Session(answer, inputs).clear()
    both.cached("prefill of 4, no mask", inputs.x(4))
    step = "boolean (B, 1, L, S) and is_causal, a chunk of 3 after 4"
    mask = inputs.allowed(BATCH, 1, 3, 7)
    both.cached(step, inputs.x(3), attn_mask=mask, is_causal=True)
    step = "float (L, S) and is_causal, a chunk of 2 after 7"
    both.cached(step, inputs.x(2), attn_mask=inputs.bias(2, 9), is_causal=True)
    return _joined(causal, given, both)


# What it costs


class Meter(TorchDispatchMode):
    """Counts the tokens that go through each projection, and the FLOPs of all matrix products."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.owner = {_address(getattr(module, name).weight): name for name in PROJECTIONS}
        self.tokens = dict.fromkeys(PROJECTIONS, 0)
        self.flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in ("mm", "bmm", "matmul", "mv"):
            self._product(*args[:2])
        elif name in ("addmm", "baddbmm"):
            self._product(*args[1:3])
        elif name == "linear":
            self._product(args[0], args[1].t())
        elif "scaled_dot_product" in name:
            self.flops += 4 * args[0].numel() * args[1].shape[-2]
        return func(*args, **(kwargs or {}))

    def _product(self, left: Tensor, right: Tensor) -> None:
        self.flops += 2 * left.numel() * right.shape[-1]
        for weight, other, width in ((right, left, -1), (left, right, -2)):
            owner = self.owner.get(_address(weight))
            if owner:
                self.tokens[owner] += other.numel() // other.shape[width]


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


WORK = dict(d_model=16, heads=2)
WORK_STEPS = (("prefill of 8", 8), ("a token after 8", 1), ("a chunk of 24 after 9", 24))
WORK_STEPS += (("a token after 33", 1),)


def work(answer: type, seed: int) -> list[dict]:
    """The value of each step: tokens through each projection, and ``flops``."""
    inputs = Inputs(seed, 207, **WORK)
    session = Session(answer, inputs).clear()
    for step, length in WORK_STEPS:
        if not session.broken:
            session.do(step, _metered, session.module, inputs.x(length))
    return session.calls


def _metered(module: nn.Module, x: Tensor) -> dict:
    with Meter(module) as meter:
        module.forward(x, use_cache=True)
    return {**meter.tokens, "flops": meter.flops}


# What the class promises


def other_batch(answer: type, seed: int) -> list[dict]:
    inputs = Inputs(seed, 208)
    two = Session(answer, inputs).clear().cached("prefill of 2, batch 2", inputs.x(2))
    two.cached("a token after the prefill", inputs.x(1)).size("after prefill and token")
    for batch in (4, 1):
        two.cached(f"a token of batch {batch} for a cache of 2", inputs.x(1, batch=batch))
        two.size(f"after a batch of {batch}")
    two.cached("a token of batch 2 for a cache of 2", inputs.x(1)).size("after 4 tokens")
    one = Session(answer, inputs).clear().cached("prefill of 2, batch 1", inputs.x(2, batch=1))
    one.cached("a token of batch 3 for a cache of 1", inputs.x(1, batch=3))
    one.size("after a batch of 3")
    one.cached("a token of batch 1 for a cache of 1", inputs.x(1, batch=1))
    return _joined(two, one)


def module(answer: type, seed: int) -> list[dict]:
    return _joined(
        *_dropout(answer, seed),
        _gradients(answer, seed),
        _state_dict(answer, seed),
        *_precision(answer, seed),
        *_half(answer, seed),
        _elsewhere(answer, seed),
    )


def dropout_inputs(seed: int) -> tuple[Inputs, Tensor, Tensor]:
    inputs = Inputs(seed, 209)
    return inputs, inputs.x(1, batch=ROWS), inputs.x(5, batch=ROWS)


def _dropout(answer: type, seed: int) -> list[Session]:
    """``one`` key a sequence: its weight is 1 before dropout."""
    inputs, one, several = dropout_inputs(seed)
    training, caching, evaluating = (Session(answer, inputs, DROPOUT) for _ in range(3))
    for session in (training, caching, evaluating):
        if not session.broken:
            session.module.train(session is not evaluating)
    x = inputs.x(5)
    evaluating.forward("dropout_p=0.25 in eval()", x)
    return [
        evaluating.forward("dropout_p=0.25 in eval() again", x),
        training.forward("dropout_p=0.25 in train()", one),
        caching.cached("dropout_p=0.25 in train(), cached prefill", several),
    ]


def _gradients(answer: type, seed: int) -> Session:
    inputs = Inputs(seed, 210)
    session = Session(answer, inputs)
    if not session.broken:
        session.do("gradients, use_cache=False", _norms, session.module, inputs.x(4))
    return session


def _norms(module: nn.Module, x: Tensor) -> list[float]:
    output, _ = module.forward(x)
    weights = [getattr(module, name).weight for name in PROJECTIONS]
    slope = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    if not output.requires_grad:
        return [0.0] * len(weights)
    found = torch.autograd.grad((output * slope).sum(), weights, allow_unused=True)
    return [0.0 if gradient is None else float(gradient.norm()) for gradient in found]


def _state_dict(answer: type, seed: int) -> Session:
    inputs = Inputs(seed, 211)
    session = Session(answer, inputs).clear()
    if not session.broken:
        session.do("state_dict() while caching", _changed, session.module, inputs.x(3))
    return session


def _changed(module: nn.Module, x: Tensor) -> list[str]:
    """The names in ``state_dict()`` that a cached call adds or changes."""
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.forward(x, use_cache=True)
    after = module.state_dict()
    return [
        name
        for name, value in after.items()
        if name not in before or not torch.equal(value, before[name])
    ]


def _precision(answer: type, seed: int) -> list[Session]:
    """A large part that every projection but W_v cancels: it stands in the cached values, and
    what little of them reaches the output is lost when they are rounded."""
    inputs = Inputs(seed, 212)
    sums = torch.eye(D_MODEL, dtype=torch.float64)
    sums = sums + sums.view(-1, 2, D_MODEL).flip(1).reshape(D_MODEL, D_MODEL)
    for name in ("W_q", "W_k", "W_o"):
        inputs.weights[name] = inputs.weights[name] @ sums
    inputs.weights["W_v"] = torch.eye(D_MODEL, dtype=torch.float64)
    part = OFFSET * torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(D_MODEL // 2)
    plain, session = Session(answer, inputs).clear(), Session(answer, inputs).clear()
    plain.cached("float64, prefill of 4", inputs.x(4))
    plain.cached("float64, a token after 4", inputs.x(1))
    session.cached("float64, large values, prefill of 4", inputs.x(4) + part)
    session.cached("float64, large values, a token after 4", inputs.x(1) + part)
    return [plain, session]


def _half(answer: type, seed: int) -> list[Session]:
    inputs = Inputs(seed, 213)
    plain, caching = (Session(answer, inputs, dtype=torch.bfloat16).clear() for _ in range(2))

    def x(length: int) -> Tensor:
        return inputs.x(length).bfloat16()

    plain.forward("bfloat16", x(4))
    plain.forward("bfloat16, is_causal", x(4), is_causal=True)
    plain.forward("bfloat16, boolean mask", x(3), attn_mask=inputs.allowed(3, 3))
    caching.cached("bfloat16, cached prefill of 3", x(3))
    caching.cached("bfloat16, a cached token after 3", x(1))
    return [plain, caching]


def _elsewhere(answer: type, seed: int) -> Session:
    """On the device "meta": a tensor made on the CPU does not fit."""
    inputs = Inputs(seed, 214)
    session = Session(answer, inputs, dtype=torch.float32).clear()
    if session.broken:
        return session
    session.do("moving it to another device", lambda: session.module.to("meta") and None)

    def x(length: int) -> Tensor:
        return torch.empty(BATCH, length, D_MODEL, device="meta")

    session.forward("other device", x(4))
    session.forward("other device, is_causal", x(4), is_causal=True)
    mask = torch.ones(3, 3, dtype=torch.bool, device="meta")
    session.forward("other device, boolean mask", x(3), attn_mask=mask)
    session.cached("other device, cached prefill of 3", x(3))
    return session.cached("other device, a cached token, is_causal", x(1), is_causal=True)
