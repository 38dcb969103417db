"""Judges of ``anatomy.kv_bytes``. Oracle: the formula, on the sizes that the seed gave."""

from __future__ import annotations

import math
from collections.abc import Callable

from transformers import PreTrainedConfig

from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.ledger import (
    all_keys,
    describe,
    head_dim,
    judged,
    keys,
    keys_by_type,
    kv_heads,
)
from course_utils.checks.probes import anatomy as probes

SENTENCES = {
    "anatomy.kv_bytes": {
        "formula/one-of-two": (
            "Only the keys or only the values are counted.",
            "The cache holds both: a factor of 2.",
        ),
        "formula/both-twice": (
            "The result is twice too large.",
            "Is 2 there twice, or are 4 bytes taken for a value?",
        ),
        "formula/batch-left-out": (
            "The batch has no effect.",
            "Each sequence of the batch has a cache of its own.",
        ),
        "formula/length-left-out": (
            "This is the cache of one token.",
            "Every token leaves a key and a value in every layer.",
        ),
        "length/one-off": (
            "One token too few or too many is counted.",
            "The cache holds all `length` tokens.",
        ),
        "length/capped": (
            "The length is cut to what the model can read.",
            "The formula takes any length: leave max_position_embeddings out.",
        ),
        "formula/one-layer": ("This is the cache of one layer.", "Every layer has its own."),
        "formula/scores": (
            "The result grows with the square of the length.",
            "The cache holds keys and values, not the table of attention weights.",
        ),
        "heads/query-heads": (
            "The cache is computed with the query heads, or with the hidden size.",
            "Keys and values have num_key_value_heads: that is what grouped queries save.",
        ),
        "heads/groups": (
            "The number of query heads that share a KV head is taken for the number of KV heads.",
            "num_key_value_heads is the number itself.",
        ),
        "heads/one": ("One KV head is counted.", "Multiply by the number of KV heads."),
        "heads/missing-in-gpt2": (
            "It fails on GPT-2, whose configuration has no num_key_value_heads.",
            "Without that entry every query head has a KV head of its own: getattr with a default.",
        ),
        "head-dim/always-divided": (
            "head_dim is taken to be hidden_size / heads.",
            "Some configurations have a head_dim of their own: look for it first.",
        ),
        "head-dim/divided-by-kv-heads": (
            "hidden_size is divided by the number of KV heads.",
            "A head is hidden_size / num_attention_heads wide, where nothing else is said.",
        ),
        "head-dim/missing": (
            "It fails where a configuration has no head_dim.",
            "Qwen2 and GPT-2 have none: hidden_size // num_attention_heads.",
        ),
        "local/window-ignored": (
            "Local layers are counted as if they kept every token.",
            "A local layer keeps min(length, config.sliding_window) tokens.",
        ),
        "local/window-everywhere": (
            "The window is applied to every layer.",
            'Only layers of the type "sliding_attention" have one: see config.layer_types.',
        ),
        "local/wrong-layers": (
            "The window is applied to the global layers.",
            'The local ones are those of the type "sliding_attention".',
        ),
        "local/window-always-full": (
            "A local layer is counted with its whole window, even for a shorter text.",
            "min(length, window).",
        ),
        "local/window-one-off": (
            "A local layer is counted with one token too few or too many.",
            "min(length, window): the newest token is one of the window.",
        ),
        "local/batch-in-the-minimum": (
            "The window is compared with the tokens of the whole batch.",
            "Every sequence keeps min(length, window) tokens of its own.",
        ),
        "local/maximum": ("The longer of length and window is taken.", "min, not max."),
        "local/pattern-guessed": (
            "Which layers are local is guessed.",
            "config.layer_types says it for every layer.",
        ),
        "local/only-global": (
            "Local layers are left out.",
            "They keep less, but not nothing: min(length, window) tokens.",
        ),
        "local/missing": (
            "It fails where a configuration has no window or no layer types.",
            "Llama and GPT-2 have neither: getattr(config, name, None).",
        ),
        "unit/bytes-per-value": (
            "bytes_per_value has no effect.",
            "Use the argument: 2 is no more than its default.",
        ),
        "unit/fraction": (
            "A fraction of a byte is rounded.",
            "In int4 a value takes 0.5 bytes: bytes_per_value need not be whole.",
        ),
        "unit/bits": ("This is bits.", "A value takes bytes_per_value bytes."),
        "unit/values": (
            "This is the number of values, not of bytes.",
            "Multiply by bytes_per_value.",
        ),
        "unit/larger": ("The unit is not bytes.", "Give bytes, not KB or MiB."),
    }
}


def judging(inputs: Callable[[int], list[tuple]]):
    """A judge; an error that names a missing entry of a configuration has a slug of its own."""

    def judge(calls: list[dict], seed: int) -> Refusal | None:
        given = inputs(seed)
        refusal = judged(calls, given, _right, CANDIDATES, _question)
        if refusal and refusal.slug == "raises/error" and (slug := _missing(calls)):
            return Refusal(slug, refusal.expected, refusal.seen)
        return refusal

    return judge


grouped = judging(probes.grouped_inputs)
gpt2 = judging(probes.gpt2_cache_inputs)
own_head_dim = judging(probes.head_dim_inputs)
local = judging(probes.local_inputs)
width = judging(probes.width_inputs)


def _missing(calls: list[dict]) -> str:
    """The slug for an entry of the configuration that the answer takes to be always there."""
    text = next(call["text"] for call in calls if call["outcome"] == "raised")
    entries = {
        "num_key_value_heads": "heads/missing-in-gpt2",
        "head_dim": "head-dim/missing",
        "sliding_window": "local/missing",
        "layer_types": "local/missing",
        "NoneType": "local/missing",
    }
    return next((slug for name, slug in entries.items() if name in text), "")


def _question(config: PreTrainedConfig, batch: int, length: int, width: float = 2) -> str:
    local = [kind == "sliding_attention" for kind in getattr(config, "layer_types", None) or []]
    window = f", {sum(local)} layers with a window of {config.sliding_window}" if any(local) else ""
    return f"{describe(config)}{window}, batch {batch}, length {length}, {width} bytes a value"


def _bytes(config, batch, length, width, heads=None, size=None, kept=None) -> float:
    heads = kv_heads(config) if heads is None else heads
    size = head_dim(config) if size is None else size
    return 2 * batch * heads * size * width * sum(keys(config, length) if kept is None else kept)


def _right(config, batch, length, width=2) -> float:
    return _bytes(config, batch, length, width)


def _scaled(factor: Callable):
    """The right number times ``factor(config, batch, length, width)``."""

    def candidate(config, batch, length, width=2):
        return _right(config, batch, length, width) * factor(config, batch, length, width)

    return candidate


def _with(**changes: Callable):
    """The formula with another ``heads``, ``size`` or ``kept``, functions of (config, length)."""

    def candidate(config, batch, length, width=2):
        changed = {name: change(config, length) for name, change in changes.items()}
        return _bytes(config, batch, length, width, **changed)

    return candidate


def _every(period: int):
    def kept(config, length):
        if not getattr(config, "sliding_window", None):
            return keys(config, length)
        layers = range(1, config.num_hidden_layers + 1)
        return [length if i % period == 0 else min(length, config.sliding_window) for i in layers]

    return kept


def _query_heads(config: PreTrainedConfig, length: int) -> int:
    return config.num_attention_heads


def _divided(config: PreTrainedConfig, length: int) -> int:
    return config.hidden_size // config.num_attention_heads


def _divided_by_kv_heads(config: PreTrainedConfig, length: int) -> int:
    return getattr(config, "head_dim", None) or config.hidden_size // kv_heads(config)


def _one_layer(config: PreTrainedConfig, batch: int, length: int, width: float) -> float:
    return 1 / config.num_hidden_layers


CANDIDATES = [
    ("formula/one-of-two", _scaled(lambda c, b, n, w: 1 / 2)),
    ("formula/both-twice", _scaled(lambda c, b, n, w: 2)),
    ("formula/batch-left-out", _scaled(lambda c, b, n, w: 1 / b)),
    ("formula/length-left-out", _scaled(lambda c, b, n, w: 1 / n)),
    ("formula/one-layer", _scaled(_one_layer)),
    ("formula/scores", _scaled(lambda c, b, n, w: n)),
    ("heads/query-heads", _with(heads=_query_heads)),
    ("heads/query-heads", _with(heads=_query_heads, size=_divided)),
    ("heads/query-heads", _with(heads=lambda c, n: 1, size=lambda c, n: c.hidden_size)),
    ("heads/query-heads", _with(size=lambda c, n: c.hidden_size)),
    ("heads/one", _with(heads=lambda c, n: 1)),
    ("heads/groups", _with(heads=lambda c, n: c.num_attention_heads // kv_heads(c))),
    ("head-dim/always-divided", _with(size=_divided)),
    ("head-dim/divided-by-kv-heads", _with(size=_divided_by_kv_heads)),
    *(("length/one-off", _with(kept=lambda c, n, d=d: keys(c, n + d))) for d in (-1, 1)),
    ("length/capped", _with(kept=lambda c, n: keys(c, min(n, c.max_position_embeddings)))),
    ("local/window-ignored", _with(kept=keys_by_type(all_keys, all_keys))),
    ("local/window-everywhere", _with(kept=keys_by_type(min, min))),
    ("local/wrong-layers", _with(kept=keys_by_type(all_keys, min))),
    ("local/window-always-full", _with(kept=keys_by_type(lambda n, w: w, all_keys))),
    *(
        (
            "local/window-one-off",
            _with(kept=keys_by_type(lambda n, w, d=d: min(n, w + d), all_keys)),
        )
        for d in (-1, 1)
    ),
    (
        "local/batch-in-the-minimum",
        lambda config, batch, length, width=2: _bytes(config, 1, batch * length, width),
    ),
    ("local/maximum", _with(kept=keys_by_type(max, all_keys))),
    ("local/only-global", _with(kept=keys_by_type(lambda n, w: 0, all_keys))),
    *(("local/pattern-guessed", _with(kept=_every(period))) for period in range(2, 8)),
    ("unit/bytes-per-value", lambda config, batch, length, width=2: _right(config, batch, length)),
    *(
        ("unit/fraction", _scaled(lambda c, b, n, w, whole=whole: whole(w) / w))
        for whole in (math.floor, math.ceil)
    ),
    ("unit/values", _scaled(lambda c, b, n, w: 1 / w)),
    ("unit/bits", _scaled(lambda c, b, n, w: 8)),
    *(("unit/larger", _scaled(lambda c, b, n, w, u=u: 1 / u)) for u in (1e3, 1e6, 1e9)),
    *(("unit/larger", _scaled(lambda c, b, n, w, u=u: 1 / u)) for u in (2**10, 2**20, 2**30)),
]
