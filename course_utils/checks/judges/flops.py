"""Judges of ``anatomy.flops``. Oracle: the ledger's matrices, and attention by its formula."""

from __future__ import annotations

from collections.abc import Callable

from transformers import PreTrainedConfig

from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.ledger import (
    Entry,
    all_keys,
    describe,
    head_dim,
    judged,
    keys,
    keys_by_type,
    kv_heads,
    ledger,
)
from course_utils.checks.probes import anatomy as probes

SENTENCES = {
    "anatomy.flops": {
        "factor/multiply-add-as-one": (
            "A multiplication and its addition are counted as one operation.",
            "By convention they are 2.",
        ),
        "factor/training": (
            "The products are counted 3 times: it looks like a training step.",
            "Count the forward pass alone.",
        ),
        "matrices/lookup-counted": (
            "The embedding is counted as a matrix product, and it is a lookup.",
            "Reading a row of a table multiplies nothing: count linear maps.",
        ),
        "matrices/unembedding-forgotten": (
            "The unembedding is not counted.",
            "It is a matrix product too, tied or not: where it is tied, named_parameters() shows "
            "its matrix only as the embedding.",
        ),
        "matrices/biases-counted": (
            "Biases are counted, and they are added, not multiplied.",
            "Count the weight of each linear map alone.",
        ),
        "matrices/all-parameters": (
            "Every parameter is counted, biases and norms too.",
            "Count matrix products alone.",
        ),
        "matrices/positions-counted": (
            "The table of positions is counted as a matrix product, and it is a lookup.",
            "Two dimensions do not make a linear map: ask for the module's class.",
        ),
        "matrices/gate-forgotten": (
            "The FFN is counted with two matrices, and it has three.",
            "A gated FFN has a gate beside up and down.",
        ),
        "matrices/conv1d-missed": (
            "The maps of GPT-2's blocks are not counted.",
            "They are of transformers' class Conv1D, not of nn.Linear.",
        ),
        "matrices/missed": (
            "Only attention is counted.",
            "Every weight of a linear map is used once a token.",
        ),
        "attention/forgotten": (
            "The work of attention itself is not counted.",
            "The query meets every key, and the weights every value: 4 * heads * head_dim for "
            "each key and layer.",
        ),
        "attention/half": (
            "Half of attention's work is counted: one of its two products, or half of the keys.",
            "Query with keys, attention weights with values: 2 products of 2 operations for each "
            "of `length` keys.",
        ),
        "attention/one-key-off": (
            "One key too few or too many is counted.",
            "There are `length` keys, the token's own among them.",
        ),
        "attention/kv-heads": (
            "Attention is counted with the KV heads.",
            "Every query head attends, and queries that share a key each multiply with it.",
        ),
        "attention/hidden-size": (
            "Attention is counted with the hidden size.",
            "The queries of a token have heads * head_dim numbers; that can be another width.",
        ),
        "attention/one-head": (
            "Attention is counted for one head.",
            "Multiply by the number of query heads.",
        ),
        "attention/one-layer": ("Attention is counted for one layer.", "Every layer attends."),
        "attention/causal-half": (
            "Half of the keys is counted.",
            "The token stands at the end: it attends to all `length` keys.",
        ),
        "attention/length-squared": (
            "Attention is counted for every token.",
            "This is one token, with `length` keys.",
        ),
        "local/window-ignored": (
            "Local layers are counted with every key.",
            "A local layer attends to min(length, config.sliding_window) keys.",
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
        "scale/whole-text": (
            "This is the work for the whole text.",
            "Give the operations for one token.",
        ),
        "local/missing": (
            "It fails where a configuration has no window or no layer types.",
            "Llama and GPT-2 have neither: getattr(config, name, None).",
        ),
        "heads/missing": (
            "It fails where a configuration has no head_dim.",
            "Qwen2 and GPT-2 have none: hidden_size // num_attention_heads.",
        ),
    }
}
MISSING = {
    "sliding_window": "local/missing",
    "layer_types": "local/missing",
    "head_dim": "heads/missing",
}


def judging(inputs: Callable[[int], list[tuple]]):
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        refusal = judged(calls, inputs(seed), _right, CANDIDATES, _question)
        if refusal and refusal.slug == "raises/error":
            text = next(call["text"] for call in calls if call["outcome"] == "raised")
            slug = next((slug for name, slug in MISSING.items() if name in text), refusal.slug)
            return Refusal(slug, refusal.expected, refusal.seen)
        return refusal

    return judge


matrices = judging(probes.matrices_inputs)
gpt2 = judging(probes.gpt2_flops_inputs)
heads = judging(probes.heads_inputs)
local = judging(probes.local_flops_inputs)


def _question(config: PreTrainedConfig, length: int) -> str:
    local = [kind == "sliding_attention" for kind in getattr(config, "layer_types", None) or []]
    window = f", {sum(local)} layers with a window of {config.sliding_window}" if any(local) else ""
    return f"{describe(config)}{window}, length {length}"


def _is_product(entry: Entry) -> bool:
    return entry.part in ("attention", "ffn", "unembedding")


def _products(config: PreTrainedConfig) -> float:
    return 2 * sum(e.copies * e.weight for e in ledger(config) if _is_product(e))


def _numbers(config: PreTrainedConfig, *roles: str) -> float:
    return sum(e.total for e in ledger(config) if e.role in roles)


def _attention(config: PreTrainedConfig, length: int, kept: Callable = keys) -> float:
    return 4 * config.num_attention_heads * head_dim(config) * sum(kept(config, length))


def _right(config: PreTrainedConfig, length: int) -> float:
    return _products(config) + _attention(config, length)


def _plus(extra: Callable[[PreTrainedConfig], float]):
    """The right number, and operations for so many numbers more."""
    return lambda config, length: _right(config, length) + 2 * extra(config)


def _attending(factor: Callable[[PreTrainedConfig, int], float]):
    """The right number with attention's part changed."""
    return lambda config, length: (
        _products(config) + factor(config, length) * _attention(config, length)
    )


def _keeping(kept: Callable[[PreTrainedConfig, int], list[int]]):
    """The right number, each layer with other keys."""
    return lambda config, length: _products(config) + _attention(config, length, kept)


def _biases(config: PreTrainedConfig) -> float:
    return sum(e.copies * e.bias for e in ledger(config) if e.part in ("attention", "ffn"))


def _tables(config: PreTrainedConfig) -> float:
    """The tables of tokens and positions, a tied one being the unembedding's already."""
    return _numbers(config, "positions") + _untied(config)


def _untied(config: PreTrainedConfig) -> float:
    return 0 if config.tie_word_embeddings else _numbers(config, "tokens")


def _all_parameters(config: PreTrainedConfig) -> float:
    total = sum(e.total for e in ledger(config))
    return total - (config.tie_word_embeddings and _numbers(config, "unembedding"))


def _tied_unembedding(config: PreTrainedConfig) -> float:
    return _numbers(config, "unembedding") if config.tie_word_embeddings else 0


def _block_products(config: PreTrainedConfig) -> float:
    return sum(e.copies * e.weight for e in ledger(config) if e.part in ("attention", "ffn"))


def _norms(config: PreTrainedConfig) -> float:
    return sum(e.total for e in ledger(config) if e.part == "norm")


def _hidden_size(config: PreTrainedConfig, length: int) -> float:
    return config.hidden_size / (config.num_attention_heads * head_dim(config))


_LOOKUP = "matrices/lookup-counted"
_NO_UNEMBEDDING = "matrices/unembedding-forgotten"
CANDIDATES = [
    ("factor/multiply-add-as-one", lambda c, n: _right(c, n) / 2),
    ("factor/multiply-add-as-one", lambda c, n: _products(c) / 2 + _attention(c, n)),
    ("factor/training", lambda c, n: 3 * _right(c, n)),
    ("factor/training", lambda c, n: 3 * _products(c) + _attention(c, n)),
    (_LOOKUP, _plus(_tables)),
    (_LOOKUP, _plus(_untied)),
    (_LOOKUP, _plus(lambda c: _numbers(c, "tokens"))),
    (_LOOKUP, _plus(lambda c: _numbers(c, "tokens", "positions"))),
    (_NO_UNEMBEDDING, _plus(lambda c: -_numbers(c, "unembedding"))),
    (_NO_UNEMBEDDING, _plus(lambda c: -_tied_unembedding(c))),
    ("matrices/biases-counted", _plus(_biases)),
    ("matrices/biases-counted", _plus(lambda c: _biases(c) - _tied_unembedding(c))),
    ("matrices/biases-counted", lambda c, n: _right(c, n) + _biases(c)),
    ("matrices/gate-forgotten", _plus(lambda c: -_numbers(c, "gate"))),
    ("matrices/all-parameters", lambda c, n: 2 * _all_parameters(c) + _attention(c, n)),
    ("matrices/all-parameters", _plus(lambda c: _biases(c) + _norms(c))),
    ("matrices/positions-counted", _plus(lambda c: _numbers(c, "positions"))),
    (
        "matrices/conv1d-missed",
        lambda c, n: _right(c, n) - (c.model_type == "gpt2") * 2 * _block_products(c),
    ),
    ("matrices/missed", lambda c, n: _attention(c, n)),
    ("attention/forgotten", _attending(lambda c, n: 0)),
    ("attention/forgotten", lambda c, n: 2 * _all_parameters(c)),
    ("attention/half", _attending(lambda c, n: 1 / 2)),
    *(("attention/one-key-off", _keeping(lambda c, n, d=d: keys(c, n + d))) for d in (-1, 1)),
    ("attention/kv-heads", _attending(lambda c, n: kv_heads(c) / c.num_attention_heads)),
    ("attention/hidden-size", _attending(_hidden_size)),
    ("attention/one-head", _attending(lambda c, n: 1 / c.num_attention_heads)),
    ("attention/one-layer", _attending(lambda c, n: 1 / c.num_hidden_layers)),
    ("attention/causal-half", _attending(lambda c, n: (n + 1) / (2 * n))),
    ("attention/length-squared", _attending(lambda c, n: n)),
    ("local/window-ignored", _keeping(keys_by_type(all_keys, all_keys))),
    ("local/window-everywhere", _keeping(keys_by_type(min, min))),
    ("local/wrong-layers", _keeping(keys_by_type(all_keys, min))),
    ("local/window-always-full", _keeping(keys_by_type(lambda n, w: w, all_keys))),
    ("scale/whole-text", lambda c, n: n * _right(c, n)),
    ("scale/whole-text", lambda c, n: n * _products(c) + _attention(c, n)),
]
