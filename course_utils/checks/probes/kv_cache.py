"""Probes and inputs for the exercises about caches, but for ``kv_cache.attention_with_cache``.

Where the answer is a class, an outcome has a ``step``: a label that says what was done.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.checks.probes import generation, scripted
from course_utils.checks.probes.guard import attempt

INF = torch.inf


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


def _whole(generator, low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, (), generator=generator))


def _normal(generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _call_each(answer: Callable, inputs: list[tuple]) -> list[dict]:
    """The outcomes, on copies; ``mutated`` tells of lists too."""
    copies = copy.deepcopy(inputs)
    calls = [attempt(answer, *args) for args in copies]
    for call, args, before in zip(calls, copies, inputs, strict=True):
        changed = [a != b for a, b in zip(args, before, strict=True) if isinstance(a, list)]
        call["mutated"] = call.get("mutated", False) or any(changed)
    return calls


class Session:
    """One object of the answer's class; ``calls`` notes what came of each step."""

    def __init__(self, answer: type, *args):
        self.calls: list[dict] = []
        made: list[object] = []

        @functools.wraps(answer, updated=())
        def build(*args):
            made.append(answer(*args))

        self.note("building it", build, *args)
        self.object = made[0] if made else None

    def note(self, step: str, function: Callable, *args) -> None:
        self.calls.append({"step": step, **attempt(function, *args)})

    def do(self, method: str, *args, step: str = "") -> Session:
        """Call a method, on copies of the tensors among the arguments."""
        if self.object is not None:
            copies = [x.clone() if isinstance(x, Tensor) else x for x in args]
            self.note(step or method, _call, self.object, method, *copies)
        return self

    @property
    def last(self) -> object:
        return self.calls[-1].get("value")


def _call(object: object, method: str, *args) -> object:
    """The result of a method, but for those that need not return any; a MemoryError of any kind
    is raised as MemoryError."""
    try:
        result = getattr(object, method)(*args)
    except MemoryError as error:
        raise MemoryError(*error.args).with_traceback(error.__traceback__) from None
    return None if method in ("append", "free") else result


# attention(q, k, v, mask=None)


def _qkv(generator, *batch: int, new: int = 4, keys: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    q, k = 1.3 * _normal(generator, *batch, new, 5), 1.3 * _normal(generator, *batch, keys, 5)
    return q, k, _normal(generator, *batch, keys, 7)


def attention_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 221)
    sizes = ((2, 3), {}), ((), {}), ((2, 3), {"new": 1, "keys": 5})
    return [_qkv(generator, *batch, **lengths) for batch, lengths in sizes]


def attention_mask_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 222)
    masks = []
    for shape in ((4, 6), (2, 1, 4, 6), (4, 6), (2, 1, 4, 6)):
        allowed = torch.rand(*shape, generator=generator) < 0.6
        allowed[..., 2] = True
        allowed[..., 0, 0] = False
        masks.append(allowed)
    masks[1:3] = [_normal(generator, *mask.shape).masked_fill(~mask, -INF) for mask in masks[1:3]]
    return [(*_qkv(generator, 2, 3), mask) for mask in (*masks, None)]


def attention_large_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 223)
    q, k, v = _qkv(generator, 2, 3)
    away = torch.zeros(4, 6, dtype=torch.bool)
    away[:, 1:3] = True
    far = torch.ones(6, 1, dtype=torch.float64)
    far[4] = 60.0
    return [(40 * q, 40 * k, v), (30 * q, 30 * k * far, v, away)]


def attention(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, attention_inputs(seed))


def attention_masks(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, attention_mask_inputs(seed))


def attention_large(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, attention_large_inputs(seed))


# causal_mask(n_new, n_keys)

PREFILLS = ((4, 4), (1, 1), (7, 7))
CHUNKS = ((3, 7), (2, 3), (5, 6))
TOKENS = ((1, 6), (1, 2))


def prefill_sizes(seed: int) -> list[tuple[int, int]]:
    n = _whole(_generator(seed, 224), 8, 60)
    return [*PREFILLS, (n, n)]


def chunk_sizes(seed: int) -> list[tuple[int, int]]:
    generator = _generator(seed, 225)
    n = _whole(generator, 3, 40)
    return [*CHUNKS, (n, n + _whole(generator, 1, 40))]


def token_sizes(seed: int) -> list[tuple[int, int]]:
    return [*TOKENS, (1, _whole(_generator(seed, 226), 7, 200))]


def mask_of_prefill(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, prefill_sizes(seed))


def mask_of_chunk(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, chunk_sizes(seed))


def mask_of_token(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, token_sizes(seed))


# GroupedCache and SinkCache: layers of a transformers cache


def _states(generator, length: int, batch: int = 2, heads: int = 2) -> tuple[Tensor, Tensor]:
    return _normal(generator, batch, heads, length, 4), _normal(generator, batch, heads, length, 4)


def _updates(
    session: Session, generator, *lengths: int, seen: int = 0, sizes: bool = True, of: str = ""
) -> Session:
    for length in lengths:
        step = f"update with {length} after {seen}{of}"
        session.do("update", *_states(generator, length), step=step)
        seen += length
        if sizes:
            session.do("get_seq_length", step=f"get_seq_length() after {seen}{of}")
    return session


def grouped_update(answer: type, seed: int) -> list[dict]:
    generator = _generator(seed, 231)
    first = _updates(Session(answer), generator, 4, 1, 3, 1, 700, 1)
    second = Session(answer).do("get_seq_length", step="get_seq_length() of another object")
    _updates(second, generator, 2, 1, of=" of another object")
    return first.calls + second.calls


def grouped_prefill(answer: type, seed: int) -> list[dict]:
    generator = _generator(seed, 232)
    session = _updates(Session(answer), generator, 5, sizes=False)
    session.do("attend", 2 * _normal(generator, 2, 6, 5, 4), step="attend: 5 queries to 5 keys")
    single = _updates(Session(answer), generator, 3, sizes=False)
    single.do(
        "attend", 2 * _normal(generator, 2, 2, 3, 4), step="attend: as many heads as KV heads"
    )
    return session.calls + single.calls


def grouped_chunks(answer: type, seed: int) -> list[dict]:
    generator = _generator(seed, 233)
    session, seen = _updates(Session(answer), generator, 4, sizes=False), 4
    for new in (1, 3, 2):
        after = ", after attend" if seen > 4 else ""
        _updates(session, generator, new, seen=seen, sizes=False, of=after)
        seen += new
        q = 2 * _normal(generator, 2, 6, new, 4)
        session.do("attend", q, step=f"attend: {new} new queries")
    return session.calls


def sinks_short(answer: type, seed: int) -> list[dict]:
    """Never more than full: nothing is dropped before the last update."""
    generator = _generator(seed, 241)
    one_by_one = _updates(Session(answer, 3, 2), generator, 1, 1, 2, 1, 2)
    return _updates(Session(answer, 2, 5), generator, 3, 1, 1, 2).calls + one_by_one.calls


def sinks_full(answer: type, seed: int) -> list[dict]:
    generator = _generator(seed, 242)
    session = Session(answer, 2, 3)
    _updates(session, generator, 5, 1, 1, 1, 1, 1)
    return session.do("get_mask_sizes", 1, step="get_mask_sizes(1)").calls


def sinks_chunks(answer: type, seed: int) -> list[dict]:
    generator = _generator(seed, 243)
    long = _updates(Session(answer, 2, 3), generator, 9, 4, 3)
    none = _updates(Session(answer, 0, 3), generator, 5, 2)
    first = _updates(Session(answer, 3, 2), generator, 6, 2)
    return long.calls + none.calls + first.calls


# generate(model, ids, max_new_tokens, cache)


def generate_requests(seed: int) -> list[dict]:
    """Tables with one peaked rule each: the greedy path is the only sensible one. In the last the
    second new token is the end token, which ends nothing."""
    generator = _generator(seed, 251)
    requests = []
    for batch, length, new in ((1, 5, 6), (1, 3, 1), (3, 4, 5), (1, 4, 5)):
        table = torch.randn(scripted.RULES, len(generation.TOKENS), generator=generator)
        low, high = generation.FIRST_WORD, len(generation.TOKENS) - 1  # the end token is the last
        ids = torch.randint(low, high, (batch, length), generator=generator)
        key = int(torch.randint(2, scripted.RULES, (), generator=generator))
        requests.append({"table": table, "key": key, "ids": ids, "new": new})
    first = table[scripted.rule(ids, key)[0, -1]].argmax().view(1, 1)
    table[scripted.rule(torch.cat([ids, first], dim=1), key)[0, -1], -1] = table.max() + 1
    return requests


def generate(answer: Callable, seed: int) -> list[dict]:
    return [_generated(answer, request) for request in generate_requests(seed)]


def _generated(answer: Callable, request: dict) -> dict:
    """The outcome, with ``fed``: how many tokens each forward pass was given, and ``cached``: how
    many the given cache holds."""
    from transformers import DynamicCache

    model = scripted.ScriptedLM()
    most_passes = 4 * (request["new"] + request["ids"].shape[1]) + 20
    model.begin(request["table"].clone(), request["key"], most_passes)
    cache = DynamicCache()
    outcome = attempt(answer, model, request["ids"].clone(), request["new"], cache)
    cached = attempt(DynamicCache.get_seq_length, cache).get("value")
    return outcome | {"fed": model.fed, "cached": cached}


# PagedCache(n_blocks, n_kv_heads, d_head, block_size=16)

HEADS, D_HEAD = 2, 3


class Pages(Session):
    """Names of sequences are those that ``allocate`` and ``fork`` gave."""

    def __init__(self, answer: type, seed: int, stream: int, n_blocks: int, block_size: int):
        self.generator = _generator(seed, stream)
        self.names: dict[str, object] = {}
        self.ended: set[str] = set()
        super().__init__(answer, n_blocks, HEADS, D_HEAD, block_size)

    def new(self, name: str, of: str = "") -> Pages:
        """``allocate()`` or ``fork(of)``: of the name that they give, whether it is a new one."""
        if self.object is None:
            return self

        def make() -> str | None:
            arguments = (self.names.get(of),) if of else ()
            made = getattr(self.object, "fork" if of else "allocate")(*arguments)
            taken = [key for key in self.names if self.names[key] == made]
            self.names[name] = made
            if made is None:
                return None
            living = [key for key in taken if key not in self.ended]
            return f"the name of {living[0]}" if living else "a new name"

        self.note(f"{name} = fork({of})" if of else f"{name} = allocate()", make)
        return self

    def append(self, name: str, length: int) -> Pages:
        k, v = (_normal(self.generator, HEADS, length, D_HEAD).float() for _ in range(2))
        return self._on(name, "append", k, v, step=f"append({name}, {length} tokens)")

    def gather(self, *names: str, when: str = "") -> Pages:
        for name in names:
            self._on(name, "gather", step=f"gather({name}){when}")
        return self

    def free(self, name: str) -> Pages:
        """Any number of times: what comes of the second is not compared, but the blocks after."""
        again = " again" if name in self.ended else ""
        self.ended.add(name)
        return self._on(name, "free", step=f"free({name}){again}")

    def blocks(self) -> Pages:
        return self.do("n_free_blocks", step="n_free_blocks()")

    def _on(self, name: str, method: str, *args, step: str) -> Pages:
        return self.do(method, self.names.get(name), *args, step=step)


def paged_append(answer: type, seed: int) -> list[dict]:
    pages = Pages(answer, seed, 261, n_blocks=20, block_size=4).new("a").new("b").gather("a")
    pages.append("a", 3).gather("a").append("b", 5).gather("a").append("a", 1).gather("a")
    pages.append("b", 1).append("a", 4).gather("a").append("b", 4).gather("a", "b")
    pages.append("a", 1).gather("a", "b")
    few = Pages(answer, seed, 262, n_blocks=6, block_size=4).blocks().new("a").blocks()
    for length in (1, 3, 1, 3):
        few.append("a", length).blocks()
    few.new("b").append("b", 9).blocks()
    pages.gather("a", "b", when=" beside another pool")
    return pages.calls + few.calls


def paged_fork(answer: type, seed: int) -> list[dict]:
    pages = Pages(answer, seed, 263, n_blocks=24, block_size=4).new("a").append("a", 6).blocks()
    pages.new("b", of="a").blocks().gather("b").append("b", 1).blocks().gather("a", "b")
    pages.append("a", 1).blocks().append("a", 2).append("b", 4).gather("a", "b").blocks()
    pages.new("c").append("c", 8).blocks().new("d", of="c").append("d", 1).blocks()
    pages.append("c", 2).gather("c", "d").blocks()
    pages.new("e", of="b").new("f", of="b").append("f", 1).append("e", 1).gather("b", "e", "f")
    pages.blocks().new("g").append("g", 5).new("h", of="g").append("g", 1).blocks()
    return pages.append("h", 1).gather("g", "h").blocks().calls


def paged_free(answer: type, seed: int) -> list[dict]:
    pages = Pages(answer, seed, 264, n_blocks=5, block_size=4).new("a").append("a", 6).blocks()
    pages.new("b", of="a").free("a").blocks().gather("b").append("b", 1).blocks().gather("b")
    pages.new("c").append("c", 7).blocks().append("c", 6).blocks().gather("b", "c")
    pages.new("d", of="c").append("d", 2).blocks().gather("c", "d").append("d", 1).blocks()
    pages.append("b", 1).append("c", 1).blocks().append("c", 1).blocks().gather("b", "c", "d")
    pages.free("b").blocks().append("c", 5).blocks().gather("c", "d")
    pages.free("c").blocks().free("c").blocks().gather("d").free("d").blocks()
    return pages.new("e").append("e", 20).blocks().gather("e").calls


# cache_bytes(lengths, n_layers, n_kv_heads, d_head, bytes_per_value=2, block_size=1)


def _any_cache(generator) -> tuple:
    """Lengths, layers, heads of keys and values, d_head."""
    lengths = [_whole(generator, 1, 300) for _ in range(_whole(generator, 3, 6))]
    return lengths, *(_whole(generator, low, high) for low, high in ((2, 40), (2, 16), (3, 128)))


def bytes_inputs(seed: int) -> list[tuple]:
    large = ([4096] * 4, 32, 32, 128)
    small = [([10], 3, 2, 5), ([7, 20, 1], 4, 3, 8, 4)]
    return [*small, large, ([5, 6], 2, 1, 7, 1, 1), _any_cache(_generator(seed, 227))]


def block_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 228)
    drawn = (*_any_cache(generator), 2, _whole(generator, 3, 32))
    chosen = [([1, 16, 17], 3, 2, 5, 2, 16), ([9, 30, 8], 4, 3, 8, 2, 8), ([0, 5], 2, 2, 4, 2, 4)]
    return [*chosen, drawn]


def bytes_contiguous(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, bytes_inputs(seed))


def bytes_blocks(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, block_inputs(seed))
