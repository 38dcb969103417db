"""The oracle of ``kv_cache.attention_with_cache``, and what comes of it under each misconception.

The oracle is ``F.scaled_dot_product_attention`` with a float mask. A misconception is a class too:
the same in single steps, and one of them changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.checks.probes import kv_attention as probes

INF = torch.inf


class Oracle(nn.Module):
    """All attention by ``F.scaled_dot_product_attention``."""

    def __init__(self, d_model: int, n_heads: int, dropout_p: float = 0.0):
        super().__init__()
        for name in probes.PROJECTIONS:
            setattr(self, name, nn.Linear(d_model, d_model, bias=False))
        self.n_heads, self.d_model, self.dropout_p = n_heads, d_model, dropout_p
        self.clear_cache()

    def clear_cache(self) -> None:
        self.keys = self.values = None

    def get_cache_size(self) -> int:
        return 0 if self.keys is None else self.keys.shape[2]

    def forward(self, x, attn_mask=None, is_causal=False, use_cache=False):
        q, k, v = (self.split(project(x)) for project in (self.W_q, self.W_k, self.W_v))
        k, v = self.keep(k, v, use_cache)
        bias = torch.zeros(q.shape[2], k.shape[2], dtype=x.dtype, device=x.device)
        if attn_mask is not None:
            bias = bias + _additive(attn_mask, x.dtype)
        if is_causal:
            bias = bias + _additive(_lower(bias, k.shape[2] - q.shape[2]), x.dtype)
        output = F.scaled_dot_product_attention(q, k, v, bias)
        weights = (q @ k.mT / math.sqrt(q.shape[-1]) + bias).softmax(-1)
        return self.W_o(output.transpose(1, 2).flatten(2)), weights

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def keep(self, k: Tensor, v: Tensor, use_cache: bool) -> tuple[Tensor, Tensor]:
        if not use_cache:
            return k, v
        if self.keys is not None:
            if len(k) != len(self.keys):
                raise ValueError("another batch")
            k, v = self.join(self.keys, k), self.join(self.values, v)
        self.keys, self.values = k.detach(), v.detach()
        return k, v

    def join(self, old: Tensor, new: Tensor) -> Tensor:
        return torch.cat([old, new], dim=2)


def _additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=dtype).masked_fill(~mask, -INF)


def _lower(scores: Tensor, diagonal: int) -> Tensor:
    return torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril(diagonal)


# Misconceptions: the same in single steps, and one of them changed


class Steps(Oracle):
    def forward(self, x, attn_mask=None, is_causal=False, use_cache=False):
        q, k, v = self.project(x)
        self.cached = use_cache
        k, v = self.keep(k, v, use_cache)
        self.both = attn_mask is not None and is_causal
        scores = self.scores(q, k)
        if attn_mask is not None:
            scores = self.masked(scores, attn_mask)
        if is_causal:
            scores = self.causal(scores)
        weights = self.normalize(scores)
        if attn_mask is not None:
            weights = self.masked_late(weights, attn_mask)
        if is_causal:
            weights = self.causal_late(weights)
        return self.results(x, weights, v, scores, k)

    def project(self, x):
        return [self.split(project(x)) for project in (self.W_q, self.W_k, self.W_v)]

    def scores(self, q, k):
        return q @ k.mT / math.sqrt(q.shape[-1])

    def masked(self, scores, mask):
        return scores + _additive(mask, scores.dtype)

    def causal(self, scores):
        return self.masked(scores, self.triangle(scores))

    def triangle(self, scores):
        return _lower(scores, scores.shape[-1] - scores.shape[-2])

    def normalize(self, scores):
        return scores.softmax(-1)

    def masked_late(self, weights, mask):
        return weights

    def causal_late(self, weights):
        return weights

    def results(self, x, weights, v, scores, k):
        return self.W_o(self.merge(weights @ v)), weights

    def merge(self, heads):
        return heads.transpose(1, 2).flatten(2)


Candidate = tuple[str, type]


def _with(slug: str, base: type = Steps, **changed: Callable) -> Candidate:
    """A misconception: the steps with some of them replaced."""
    return slug, type("Changed", (base,), changed)


def _result(slug: str, function: Callable) -> Candidate:
    return _with(slug, results=function)


def _scaled(slug: str, factor: Callable) -> Candidate:
    return _with(slug, scores=lambda self, q, k: q @ k.mT * factor(q.shape[-1], self.d_model))


def _projected(slug: str, names: str) -> Candidate:
    """q, k and v from these projections: ``names`` such as "qkk"."""

    def project(self, x):
        return [self.split(getattr(self, f"W_{name}")(x)) for name in names]

    return _with(slug, project=project)


def _cut_in_place(self, x):
    return x.reshape(len(x), self.n_heads, -1, self.d_model // self.n_heads)


def _interleaved(self, x):
    return x.unflatten(-1, (-1, self.n_heads)).permute(0, 3, 1, 2)


def _as_one_head(self, x):
    return x[:, None]


def _naive(scores: Tensor, largest: Callable = torch.zeros_like) -> Tensor:
    exponentials = (scores - largest(scores)).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


class Unmasked(Steps):
    """The maximum is taken before masking."""

    def scores(self, q, k):
        self.largest = super().scores(q, k).amax(-1, keepdim=True)
        return super().scores(q, k)

    def normalize(self, scores):
        return _naive(scores, lambda _: self.largest)


_WRONG_AXIS = "math/softmax-over-wrong-dimension"
_WRONG_SCALE = "math/wrong-scale"
_SAME = "math/same-projection-twice"
_SWAPPED = "math/keys-and-values-swapped"
_JOINED = "math/heads-joined-wrongly"
_KEYS = "math/averages-keys"
_SPLIT = "math/heads-split-wrongly"
_UNSTABLE = "math/unstable-softmax"

UNSTABLE = [
    _with(_UNSTABLE, normalize=lambda self, s: _naive(s)),
    _with(_UNSTABLE, normalize=lambda self, s: _naive(s).nan_to_num()),
    _with(_UNSTABLE, normalize=lambda self, s: _naive(s, torch.mean)),
    _with(_UNSTABLE, normalize=lambda self, s: _naive(s, torch.max)),
    _with(_UNSTABLE, normalize=lambda self, s: _naive(s, lambda s: s.mean(-1, keepdim=True))),
    _with(_UNSTABLE, normalize=lambda self, s: s.clamp(max=50).softmax(-1)),
    (_UNSTABLE, Unmasked),
]

MATH = [
    _with("mask/always-causal", normalize=lambda self, s: self.causal(s).softmax(-1)),
    *UNSTABLE,
    _scaled("math/no-scaling", lambda head, model: 1),
    _scaled("math/scaled-by-d-model", lambda head, model: model**-0.5),
    _scaled(_WRONG_SCALE, lambda head, model: head**0.5),
    _scaled(_WRONG_SCALE, lambda head, model: 1 / head),
    _scaled(_WRONG_SCALE, lambda head, model: 1 / model),
    _scaled(_WRONG_SCALE, lambda head, model: (model / head) ** -0.5),
    _with(_WRONG_SCALE, scores=lambda self, q, k: q @ k.mT / k.shape[2] ** 0.5),
    _with(
        "math/scaled-after-softmax",
        scores=lambda self, q, k: q @ k.mT,
        normalize=lambda self, s: s.softmax(-1) / (self.d_model / self.n_heads) ** 0.5,
    ),
    *(_with(_WRONG_AXIS, normalize=lambda self, s, d=d: s.softmax(d)) for d in (0, 1, 2)),
    _with(_WRONG_AXIS, normalize=lambda self, s: s.flatten(2).softmax(-1).view_as(s)),
    _with("math/no-softmax", normalize=lambda self, s: s),
    _with("math/no-softmax", normalize=lambda self, s: s / s.sum(-1, keepdim=True)),
    _with("math/no-softmax", normalize=lambda self, s: s.exp()),
    _with("math/no-softmax", normalize=lambda self, s: s.sigmoid()),
    _with("math/softmax-twice", normalize=lambda self, s: s.softmax(-1).softmax(-1)),
    _with("fake/uniform-weights", normalize=lambda self, s: torch.ones_like(s) / s.shape[-1]),
    _projected(_SWAPPED, "qvk"),
    _projected("math/queries-and-keys-swapped", "kqv"),
    *(_projected(_SAME, names) for names in ("qqv", "qkk", "kkv", "qqq", "qkq", "kkk", "vvv")),
    _with("math/queries-and-keys-swapped", scores=lambda self, q, k: Steps.scores(self, k, q)),
    _result(_KEYS, lambda self, x, w, v, s, k: (self.W_o(self.merge(w @ k)), w)),
    _result(_KEYS, lambda self, x, w, v, s, k: (self.W_o(self.merge(w @ self.split(x))), w)),
    _with("math/one-head", split=_as_one_head),
    _with(_SPLIT, split=_cut_in_place),
    _with(_SPLIT, split=_interleaved),
    _with(_SPLIT, split=_cut_in_place, merge=lambda self, h: h.reshape(len(h), -1, self.d_model)),
    _with(_SPLIT, split=_interleaved, merge=lambda self, h: h.permute(0, 2, 3, 1).flatten(2)),
    _with(_JOINED, merge=lambda self, h: h.reshape(len(h), -1, self.d_model)),
    _with(_JOINED, merge=lambda self, h: h.permute(0, 2, 3, 1).flatten(2)),
    _with(_JOINED, merge=lambda self, h: h.flip(1).transpose(1, 2).flatten(2)),
    _result(_JOINED, lambda self, x, w, v, s, k: ((w @ v).mean(1), w)),
    _result("math/w-o-missing", lambda self, x, w, v, s, k: (self.merge(w @ v), w)),
    _result("math/w-o-twice", lambda self, x, w, v, s, k: (_twice(self, w @ v), w)),
    _result("fake/returns-its-input", lambda self, x, w, v, s, k: (x, w)),
    _result("math/residual-added", lambda self, x, w, v, s, k: (_output(self, w, v) + x, w)),
    _result("math/weights-averaged", lambda self, x, w, v, s, k: (_output(self, w, v), w.mean(1))),
    _result(
        "math/weights-averaged",
        lambda self, x, w, v, s, k: (_output(self, w, v), w.mean(1, keepdim=True)),
    ),
    _result("math/weights-averaged", lambda self, x, w, v, s, k: (_output(self, w, v), w.sum(1))),
    _with(
        "math/weights-averaged",
        normalize=lambda self, s: s.softmax(-1).mean(1, keepdim=True).expand_as(s),
    ),
    _result("math/returns-scores", lambda self, x, w, v, s, k: (_output(self, w, v), s)),
    _result("contract/one-result", lambda self, x, w, v, s, k: _output(self, w, v)),
    _result("contract/one-result", lambda self, x, w, v, s, k: (w, _output(self, w, v))),
]


def _output(self, weights, v):
    return self.W_o(self.merge(weights @ v))


def _twice(self, heads):
    return self.W_o(self.W_o(self.merge(heads)))


def _boolean(change: Callable) -> Callable:
    """A change of what happens to boolean masks; float masks are added."""

    def masked(self, scores, mask):
        return change(scores, mask) if mask.dtype == torch.bool else scores + mask

    return masked


def _late(change: Callable, both: bool = True) -> dict:
    """Masks used on the weights instead of the scores, boolean ones or ``both`` kinds."""

    def masked(self, scores, mask):
        return scores if both or mask.dtype == torch.bool else scores + mask

    def late(self, weights, mask):
        if mask.dtype == torch.bool:
            return change(weights, mask)
        return change(weights, mask > -INF) if both else weights

    return dict(masked=masked, masked_late=late)


def _everywhere(changes: dict) -> dict:
    """The same for the causal mask."""
    late = changes["masked_late"]
    return changes | dict(
        causal=lambda self, s: s, causal_late=lambda self, w: late(self, w, self.triangle(w))
    )


def _keep_causal(self, scores):
    return Steps.masked(self, scores, self.triangle(scores))


def _shift(by: int, fill: float = -INF) -> Callable:
    def causal(self, scores):
        return scores.masked_fill(~_lower(scores, scores.shape[-1] - scores.shape[-2] + by), fill)

    return causal


def _off_by_one(base: type = Steps) -> list[Candidate]:
    name = "mask/off-by-one"
    fills = (-INF, -1e9, torch.finfo(torch.float64).min)
    return [_with(name, base, causal=_shift(by, f)) for by in (1, -1) for f in fills]


def _either(causal_wins: bool) -> dict:
    def masked(self, scores, mask):
        return scores if causal_wins and self.both else Steps.masked(self, scores, mask)

    def causal(self, scores):
        return scores if not causal_wins and self.both else _keep_causal(self, scores)

    return dict(masked=masked, causal=causal)


def _either_sees(self, scores, mask):
    """Together with ``_or_causal``: a key is seen where the boolean mask or the triangle allows."""
    self.seen = mask if self.both and mask.dtype == torch.bool else None
    return scores if self.seen is not None else Steps.masked(self, scores, mask)


def _or_causal(self, scores):
    seen = self.triangle(scores)
    if self.both and self.seen is not None:
        seen = seen | self.seen
    return Steps.masked(self, scores, seen)


def _multiply(numbers, mask):
    return numbers * mask


_ADDED, _INVERTED = "mask/boolean-added", "mask/inverted"
_AFTER, _BEFORE = "mask/multiplied-after-softmax", "mask/multiplied-before-softmax"
_NUMBER, _READ = "mask/filled-with-a-number", "mask/float-read-as-boolean"


def _masking(slug: str, masked: Callable) -> list[Candidate]:
    """The change for given masks alone, and for the causal mask too."""
    return [_with(slug, masked=masked, causal=_keep_causal), _with(slug, masked=masked)]


MASKS = [
    _with("mask/ignored", masked=lambda self, s, m: s, causal=_keep_causal),
    _with("mask/ignored", masked=lambda self, s, m: s),
    _with("mask/causal-ignored", causal=lambda self, s: s),
    _with("mask/either-or", **_either(True)),
    _with("mask/either-or", **_either(False)),
    _with("mask/either-or", masked=_either_sees, causal=_or_causal),
    *_off_by_one(),
    *_masking(_ADDED, _boolean(lambda s, m: s + m)),
    *_masking(_ADDED, _boolean(lambda s, m: s + ~m)),
    *_masking(_INVERTED, _boolean(lambda s, m: s.masked_fill(m, -INF))),
    *_masking(_INVERTED, _boolean(lambda s, m: s.masked_fill(m, -1e9))),
    _with(_INVERTED, causal=lambda self, s: s.masked_fill(self.triangle(s), -INF)),
    _with(_INVERTED, causal=lambda self, s: s + _additive(_lower(s, 0).mT, s.dtype)),
    _with(_AFTER, **_late(_multiply, both=False), causal=_keep_causal),
    _with(_AFTER, **_everywhere(_late(_multiply, both=False))),
    _with(_AFTER, **_late(_multiply), causal=_keep_causal),
    _with(_AFTER, **_everywhere(_late(_multiply))),
    _with(_AFTER, causal=lambda self, s: s, causal_late=lambda self, w: w * self.triangle(w)),
    *(
        candidate
        for fill in (0.0, -1.0, -10.0, -100.0, -1e3, 1e-9, -1e-9)
        for candidate in _masking(_NUMBER, _boolean(lambda s, m, f=fill: s.masked_fill(~m, f)))
    ),
    *_masking(_BEFORE, _boolean(lambda s, m: s * m)),
    *_masking(_BEFORE, lambda self, s, m: s * m),
    *_masking("mask/boolean-ignored", _boolean(lambda s, m: s)),
    *_masking(_READ, lambda self, s, m: s.masked_fill(m == 0, -INF)),
    *_masking(_READ, lambda self, s, m: s.masked_fill(~m.bool(), -INF)),
    *_masking(_READ, lambda self, s, m: s + _additive(_yes(m), s.dtype)),
    *_masking(_READ, lambda self, s, m: s + _additive(_not_negative(m), s.dtype)),
    _with(
        "mask/scaled",
        masked=lambda self, s, m: s + _additive(m, s.dtype) / (self.d_model / self.n_heads) ** 0.5,
    ),
    _with(
        "mask/float-ignored",
        masked=lambda self, s, m: Steps.masked(self, s, m) if m.dtype == torch.bool else s,
    ),
    _with(
        "mask/first-sequence-for-all",
        masked=lambda self, s, m: Steps.masked(self, s, m[:1] if m.dim() == 4 else m),
    ),
    *UNSTABLE,
]


def _yes(mask: Tensor) -> Tensor:
    return mask if mask.dtype == torch.bool else mask > -INF


def _not_negative(mask: Tensor) -> Tensor:
    return mask if mask.dtype == torch.bool else mask >= 0


def _while_caching(**changed: Callable) -> dict:
    """The changed steps where the cache is used, the right ones where it is not."""

    def choose(name, change):
        def step(self, *args):
            return change(self, *args) if self.cached else getattr(Steps, name)(self, *args)

        return step

    return {name: choose(name, change) for name, change in changed.items()}


def _square_only(self, scores):
    return Steps.causal(self, scores) if scores.shape[-1] == scores.shape[-2] else scores


def _over_new(self, scores, mask=None):
    """The mask over the new keys alone, every cached key in sight."""
    new = scores.shape[-2]
    mask = _lower(scores[..., :new], 0) if mask is None else mask[..., -new:]
    bias = F.pad(_additive(mask, scores.dtype), (scores.shape[-1] - new, 0))
    return scores + bias


def _first_columns(self, scores, mask):
    new = scores.shape[-2]
    return scores + F.pad(_additive(mask[..., :new], scores.dtype), (scores.shape[-1] - new, 0))


def _padded_right(self, scores):
    new, keys = scores.shape[-2:]
    return scores + F.pad(_additive(_lower(scores[..., :new], 0), scores.dtype), (0, keys - new))


_TOP_LEFT = "mask/top-left"

MASKS_OVER_A_CACHE = [
    _with("mask/ignored-while-caching", **_while_caching(masked=lambda self, s, m: s)),
    _with(
        "mask/ignored-while-caching",
        **_while_caching(masked=lambda self, s, m: s, causal=_keep_causal),
    ),
    _with("mask/causal-ignored-while-caching", **_while_caching(causal=lambda self, s: s)),
    _with("mask/causal-ignored-while-caching", causal=_square_only),
    _with(_TOP_LEFT, triangle=lambda self, s: _lower(s, 0)),
    _with(
        _TOP_LEFT,
        triangle=lambda self, s: _lower(s, 0 if s.shape[-2] > 1 else s.shape[-1]),
    ),
    _with(_TOP_LEFT, causal=_padded_right),
    *(
        _with("mask/off-by-one", **_while_caching(triangle=lambda self, s, by=by: _offset(s, by)))
        for by in (1, -1)
    ),
    *(
        _with("mask/off-by-one", triangle=lambda self, s, by=by: _offset(s, by, square=False))
        for by in (1, -1)
    ),
    *_off_by_one(),
    _with("mask/among-new-tokens-only", masked=_over_new, causal=_keep_causal),
    _with("mask/among-new-tokens-only", masked=_first_columns, causal=_keep_causal),
    *MASKS,
]


def _offset(scores: Tensor, by: int, square: bool = True) -> Tensor:
    """The triangle moved; where ``square`` is False, only once something is cached."""
    behind = scores.shape[-1] - scores.shape[-2]
    return _lower(scores, behind + (by if square or behind else 0))


def _kept(slug: str, keep: Callable) -> Candidate:
    """``keep(self, k, v)`` in place of what a cached call does; the oracle's is ``_add``."""

    def chosen(self, k, v, use_cache):
        return keep(self, k, v) if use_cache else (k, v)

    return _with(slug, keep=chosen)


def _add(self, k, v):
    return Oracle.keep(self, k, v, True)


def _joins(slug: str, join: Callable) -> Candidate:
    return _with(slug, join=lambda self, old, new: join(old, new))


class Counter(Steps):
    """Counts tokens and caches nothing."""

    count = 0

    def get_cache_size(self):
        return self.count

    def clear_cache(self):
        super().clear_cache()
        self.count = 0

    def keep(self, k, v, use_cache):
        self.count += k.shape[2] * use_cache
        return k, v


class PaddedCounter(Counter):
    """The same, with weights of 0 for the tokens that it does not see."""

    def results(self, x, weights, v, scores, k):
        output, weights = super().results(x, weights, v, scores, k)
        return output, F.pad(weights, (self.count - weights.shape[-1], 0))


def _without_new(self, k, v):
    old = self.keys, self.values
    _add(self, k, v)
    return (k, v) if old[0] is None else old


def _first_only(self, k, v):
    if self.keys is None:
        return _add(self, k, v)
    return self.join(self.keys, k), self.join(self.values, v)


def _none_kept(self, k, v):
    self.keys = self.values = None
    return k, v


def _latest(self, k, v):
    joined = (k, v) if self.keys is None else _first_only(self, k, v)
    self.keys, self.values = k, v
    return joined


def _chunk_replaces(self, k, v):
    if k.shape[2] > 1:
        self.clear_cache()
    return _add(self, k, v)


def _chunk_alone(self, k, v):
    joined = (k, v) if self.keys is None else _first_only(self, k, v)
    self.keys, self.values = (k, v) if k.shape[2] > 1 else joined
    return joined


def _twice_added(self, k, v):
    _add(self, k, v)
    return _add(self, k, v)


def _exchanged(self, k, v):
    joined = _add(self, k, v)
    self.keys, self.values = self.values, self.keys
    return joined


def _values_as_keys(self, k, v):
    k, _ = _add(self, k, k)
    return k, torch.cat([k[:, :, : -v.shape[2]], v], dim=2)


def _alone(self, k, v):
    self.clear_cache()
    return _add(self, k, v)


_ROUNDED = "contract/cache-in-another-dtype"
_ZERO = "fake/zero-cache"

CACHES = [
    _with("mask/always-causal", **_while_caching(normalize=lambda s, x: s.causal(x).softmax(-1))),
    ("fake/counter-without-cache", Counter),
    ("fake/counter-without-cache", PaddedCounter),
    _kept("cache/never-read", _none_kept),
    _joins(_ZERO, lambda old, new: torch.cat([torch.zeros_like(old), new], dim=2)),
    _joins("fake/random", lambda old, new: torch.cat([torch.randn_like(old), new], dim=2)),
    _kept("cache/overwritten", _alone),
    _kept("cache/overwritten", _latest),
    _kept("cache/not-appended", _first_only),
    _kept("cache/overwritten-by-a-chunk", _chunk_replaces),
    _kept("cache/overwritten-by-a-chunk", _chunk_alone),
    _joins("cache/prepended", lambda old, new: torch.cat([new, old], dim=2)),
    _kept("cache/appended-twice", _twice_added),
    _kept("cache/new-token-missing", _without_new),
    _kept("cache/keys-and-values-swapped", _exchanged),
    _kept("cache/values-not-cached", _values_as_keys),
    *(
        _joins(_ROUNDED, lambda old, new, d=dtype: torch.cat([old.to(d).to(new.dtype), new], 2))
        for dtype in (torch.float16, torch.bfloat16, torch.int8)
    ),
    *(
        _joins(_ROUNDED, lambda old, new, d=dtype: torch.cat([old, new], 2).to(d).to(new.dtype))
        for dtype in (torch.float16, torch.bfloat16)
    ),
]
