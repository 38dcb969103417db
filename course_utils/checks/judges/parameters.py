"""Judges of ``anatomy.count_parameters``. Oracle: the ledger, written out from the sizes."""

from __future__ import annotations

from collections.abc import Callable, Collection

from transformers import PreTrainedConfig

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.ledger import Entry, describe, ledger, show
from course_utils.checks.probes import anatomy as probes

PARTS = ("embedding", "attention", "ffn", "norm", "unembedding")

SENTENCES = {
    "anatomy.count_parameters": {
        "tied/counted-twice": (
            "A tied unembedding is counted a second time: it is the embedding's own tensor.",
            "model.named_parameters() gives a shared tensor once; state_dict() gives it twice.",
        ),
        "tied/always-assumed": (
            "The unembedding is taken to be tied, and here it has a tensor of its own.",
            "Count what is there: is lm_head.weight the same object as the embedding's?",
        ),
        "tied/counted-as-unembedding": (
            "A tied tensor is counted as the unembedding.",
            "It belongs to the embedding; the unembedding then has 0 of its own.",
        ),
        "unembedding/in-the-embedding": (
            "An unembedding that is not tied is counted as embedding.",
            "Tell them apart by module: model.get_output_embeddings().",
        ),
        "unembedding/elsewhere": (
            "An unembedding that is not tied is counted in another part.",
            "It is model.get_output_embeddings().",
        ),
        "bias/left-out": (
            "The biases are not counted.",
            "in_features * out_features is the weight alone; a module may have a bias as well.",
        ),
        "bias/counted-as-norm": (
            "Biases are counted as norms.",
            "A vector can be a bias: ask whose it is, not what shape it has.",
        ),
        "norm/not-recognized": (
            "Norms of some models are counted in another part.",
            'ln_1 is a LayerNorm, input_layernorm an RMSNorm: look for "norm" in the name of the '
            "owner's class, in lower case.",
        ),
        "norm/inside-attention": (
            "The norms of queries and keys are counted as attention.",
            "Ask what a module is before you ask where it stands: norms first.",
        ),
        "norm/named-after-attention": (
            "A norm is counted as attention because of its name.",
            "post_attention_layernorm, self_attn_layer_norm: ask for norms first.",
        ),
        "norm/final-forgotten": (
            "The norm after the last block is not counted.",
            "It stands outside the blocks.",
        ),
        "norm/forgotten": ("Norms are not counted.", "Every norm has a weight, some a bias too."),
        "embedding/positions-forgotten": (
            "The learned positions are not counted.",
            "GPT-2 has a second table, wpe: a row for each position.",
        ),
        "embedding/positions-elsewhere": (
            "The learned positions are counted in another part.",
            "They are an embedding too, of positions.",
        ),
        "embedding/other-names": (
            "The embedding of some models is counted in another part.",
            "GPT-2's tables are wte and wpe: ask whether the owner is an nn.Embedding.",
        ),
        "attention/other-names": (
            "The attention of some models is counted in another part.",
            "It is self_attn, attn or attention in the path.",
        ),
        "attention/output-forgotten": (
            "The output projection is not counted as attention.",
            "Attention has four maps: queries, keys, values and output.",
        ),
        "attention/query-heads-for-all": (
            "Keys and values are counted with as many heads as the queries.",
            "Grouped queries: keys and values have num_key_value_heads.",
        ),
        "ffn/gate-forgotten": (
            "The FFN is counted with two matrices, and it has three.",
            "A gated FFN has a gate beside up and down.",
        ),
        "ffn/other-names-lost": (
            "The FFN of some models is not counted as FFN.",
            'Not every FFN has "mlp" in its path: let it be what is left over in a block.',
        ),
        "blocks/only-one": (
            "The parameters of one block are counted, not of all.",
            "Every block has parameters of its own.",
        ),
        "count/only-trainable": (
            "Frozen parameters are not counted.",
            "requires_grad says what is trained; a frozen parameter is still a parameter.",
        ),
        "unit/bytes": ("This is bytes, not parameters.", "Leave out element_size()."),
        "unit/millions": ("This is millions of parameters.", "Give the number itself."),
        "result/one-number": (
            "The result is one number.",
            f"Give a dict with the keys {', '.join(PARTS)}.",
        ),
        "result/other-keys": (
            "The result has other keys than the five parts.",
            f"Give exactly {', '.join(PARTS)}; a part that a model lacks is 0.",
        ),
        "sum/parameters-lost": (
            "The parts do not add up to the model's parameters.",
            "Print the names that fall into no part or into two; a buffer is no parameter.",
        ),
    }
}


def judging(inputs: Callable[[int], list[tuple]]):
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        return _judged(calls, inputs(seed))

    return judge


blocks = judging(probes.blocks_inputs)
tied = judging(probes.tied_inputs)
gpt2 = judging(probes.gpt2_inputs)
inner_norms = judging(probes.inner_norms_inputs)
other_names = judging(probes.other_names_inputs)

Counts = dict[str, float]


def _judged(calls: list[dict], inputs: list[tuple]) -> Refusal | None:
    given = [_with_floats(call) for call in calls]
    right = [_right(*arguments) for arguments in inputs]
    wrong = [i for i, call in enumerate(given) if call.get("value") != right[i]]
    if not wrong:
        return None
    first = wrong[0]
    slug = common.explain(given, wrong, inputs, CANDIDATES, 0.0)
    plain = _unexplained(given[first], right[first], *inputs[first])
    return Refusal(slug, plain.expected, plain.seen) if slug else plain


def _with_floats(call: dict) -> dict:
    value = call.get("value")
    if not isinstance(value, dict) or "type" in value:
        return call
    numbers = (int, float)
    return call | {
        "value": {k: float(v) if isinstance(v, numbers) else v for k, v in value.items()}
    }


def _unexplained(call: dict, right: Counts, config: PreTrainedConfig) -> Refusal:
    model = describe(config)
    expected = f"the parameters of {model} by part"
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    value = call["value"]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Refusal("result/one-number", expected, show(value))
    if not isinstance(value, dict) or "type" in value:
        return common.wrong_type(value, expected) or Refusal(
            "result/wrong-type", expected, "a tensor"
        )
    if set(value) != set(PARTS):
        return Refusal("result/other-keys", f"the keys {list(PARTS)}", f"{list(value)[:12]}")
    if odd := [part for part in PARTS if not isinstance(value[part], float)]:
        return Refusal("result/wrong-type", f"a number for {odd[0]}", "something else")
    part = next(part for part in PARTS if value[part] != right[part])
    total, seen = sum(right.values()), sum(value.values())
    return Refusal(
        "value/wrong" if seen == total else "sum/parameters-lost",
        f"{part}: {show(right[part])} of {show(total)} in {model}",
        f"{part}: {show(value[part])}; the parts add up to {show(seen)}",
    )


# What is right, and what it looks like otherwise


def _counted(config: PreTrainedConfig, count: Callable[[Entry], float], place=None) -> Counts:
    """The parts, from what each entry of the ledger counts and the part it is placed in."""
    counts = dict.fromkeys(PARTS, 0.0)
    for entry in ledger(config):
        is_tied = entry.role == "unembedding" and config.tie_word_embeddings
        if not is_tied:
            counts[(place or {}).get(entry.role, entry.part)] += count(entry)
    return counts


def _total(entry: Entry) -> float:
    return entry.total


def _right(config: PreTrainedConfig) -> Counts:
    return _counted(config, _total)


def _without(*roles: str):
    return lambda config: _counted(config, lambda e: 0 if e.role in roles else e.total)


def _placed(**place: str):
    return lambda config: _counted(
        config, _total, {k.replace("_", " "): v for k, v in place.items()}
    )


def _counting(count: Callable[[Entry], float]):
    return lambda config: _counted(config, count)


def _changed(config: PreTrainedConfig, **parts: Callable[[Counts, Counts], float]) -> Counts:
    """The right parts, some of them changed; the second argument has the unembedding untied."""
    counts, own = _right(config), {e.role: float(e.total) for e in ledger(config)}
    return counts | {part: change(counts, own) for part, change in parts.items()}


def _twice(config: PreTrainedConfig) -> Counts:
    return _changed(config, unembedding=lambda counts, own: own["unembedding"])


def _as_unembedding(config: PreTrainedConfig) -> Counts:
    if not config.tie_word_embeddings:
        return _right(config)
    return _changed(
        config,
        unembedding=lambda counts, own: own["tokens"],
        embedding=lambda counts, own: counts["embedding"] - own["tokens"],
    )


def _query_heads(entry: Entry, config: PreTrainedConfig) -> float:
    groups = config.num_attention_heads // (
        getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    )
    return entry.total * (groups if entry.role in ("keys", "values") else 1)


def _only_weights(entry: Entry) -> float:
    return entry.copies * entry.weight


def _linear_weights(entry: Entry) -> float:
    return entry.total if entry.part == "norm" else _only_weights(entry)


def _linear_weights_but_gpt2(config: PreTrainedConfig) -> Counts:
    """GPT-2's maps are of another class than nn.Linear."""
    return _right(config) if config.model_type == "gpt2" else _counted(config, _linear_weights)


def _norms_by_path(config: PreTrainedConfig) -> Counts:
    """Norms with "attn" or "attention" in their path are attention."""
    named = {"opt": ["before attention"], "gemma3_text": ["after attention", "heads"]}
    roles = named.get(config.model_type, [] if config.model_type == "gpt2" else ["before ffn"])
    return _counted(config, _total, dict.fromkeys(roles, "attention"))


def _norms_by_short_path(config: PreTrainedConfig) -> Counts:
    """Norms with "attn" in their path are attention, whatever is left over in a block the FFN."""
    named = {"opt": ["before attention"], "gemma3_text": ["heads"]}
    place = dict.fromkeys(named.get(config.model_type, []), "attention")
    if config.model_type == "gpt_neox":
        place = dict.fromkeys(ATTENTION, "ffn")
    return _counted(config, _total, place)


def _missed(kinds: Collection[str], roles: Collection[str], part: str = "ffn"):
    """These roles are not found in models of these kinds, and fall into another part."""
    return lambda config: _counted(
        config, _total, dict.fromkeys(roles, part) if config.model_type in kinds else None
    )


def _lost_ffn(config: PreTrainedConfig) -> Counts:
    lost = config.model_type == "opt"
    return _counted(config, lambda e: 0 if lost and e.part == "ffn" else e.total)


def _rms_norms_missed(config: PreTrainedConfig) -> Counts:
    """Norms of a class of their own are attention inside it, FFN elsewhere."""
    if config.model_type not in GATED:
        return _right(config)
    place = dict.fromkeys(NORMS, "ffn") | {"heads": "attention"}
    return _counted(config, _total, place)


def _rms_norms_by_path(config: PreTrainedConfig) -> Counts:
    """As before, and those with "attn" or "attention" in their path are attention."""
    if config.model_type not in GATED:
        return _right(config)
    inside = ("after attention", "heads") if config.model_type == "gemma3_text" else ("before ffn",)
    place = dict.fromkeys(NORMS, "ffn") | dict.fromkeys(inside, "attention")
    return _counted(config, _total, place)


def _biases_as_norms(config: PreTrainedConfig) -> Counts:
    right, weights = _right(config), _counted(config, _linear_weights)
    lost = sum(right.values()) - sum(weights.values())
    return weights | {"norm": weights["norm"] + lost}


def _norms_without_biases(entry: Entry) -> float:
    return _only_weights(entry) if entry.part == "norm" else entry.total


GATED = ("qwen2", "llama", "gemma3_text")
ATTENTION = ("queries", "keys", "values", "output")
BLOCK_NORMS = ("before attention", "before ffn", "after attention", "after ffn", "heads")
NORMS = (*BLOCK_NORMS, "final")
CANDIDATES = [
    ("tied/counted-twice", _twice),
    ("tied/always-assumed", _without("unembedding")),
    ("tied/counted-as-unembedding", _as_unembedding),
    ("unembedding/in-the-embedding", _placed(unembedding="embedding")),
    *(("unembedding/elsewhere", _placed(unembedding=part)) for part in PARTS[1:4]),
    ("bias/left-out", _counting(_only_weights)),
    ("bias/left-out", _counting(_linear_weights)),
    ("bias/left-out", _linear_weights_but_gpt2),
    ("bias/left-out", _counting(_norms_without_biases)),
    ("bias/counted-as-norm", _biases_as_norms),
    ("norm/inside-attention", _placed(heads="attention")),
    ("norm/named-after-attention", _norms_by_path),
    ("norm/named-after-attention", _norms_by_short_path),
    ("norm/not-recognized", _rms_norms_missed),
    ("norm/not-recognized", _rms_norms_by_path),
    ("norm/not-recognized", _missed(["gpt2"], NORMS)),
    ("norm/final-forgotten", _without("final")),
    ("norm/forgotten", _without("final", *BLOCK_NORMS)),
    ("norm/forgotten", _without(*BLOCK_NORMS)),
    ("embedding/positions-forgotten", _without("positions")),
    *(("embedding/positions-elsewhere", _placed(positions=part)) for part in PARTS[1:]),
    ("embedding/other-names", _missed(["gpt2"], ["tokens", "positions"])),
    ("embedding/other-names", _missed(["gpt2", "gpt_neox"], ["tokens", "positions"])),
    ("attention/other-names", _missed(["gpt2", "gpt_neox"], ATTENTION)),
    ("attention/other-names", _missed(["gpt2"], ATTENTION)),
    ("attention/other-names", _missed(["gpt_neox"], ATTENTION)),
    ("attention/output-forgotten", _without("output")),
    ("attention/output-forgotten", _placed(output="ffn")),
    (
        "attention/query-heads-for-all",
        lambda config: _counted(config, lambda e: _query_heads(e, config)),
    ),
    ("ffn/gate-forgotten", _without("gate")),
    ("ffn/other-names-lost", _lost_ffn),
    ("ffn/other-names-lost", _missed(["opt"], ["up", "down"], "attention")),
    ("blocks/only-one", _counting(lambda e: e.total / e.copies)),
    ("count/only-trainable", lambda config: dict.fromkeys(PARTS, 0.0)),
    ("unit/bytes", _counting(lambda e: 4 * e.total)),
    ("unit/bytes", _counting(lambda e: 2 * e.total)),
    ("unit/millions", _counting(lambda e: e.total / 1e6)),
]
