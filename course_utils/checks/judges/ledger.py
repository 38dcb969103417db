"""What a small model holds, written out by hand from its configuration, and judging by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from transformers import PreTrainedConfig

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal

NAMES = {
    "qwen2": "Qwen2",
    "llama": "Llama",
    "gemma3_text": "Gemma 3",
    "gpt2": "GPT-2",
    "opt": "OPT",
    "gpt_neox": "GPT-NeoX",
}


@dataclass(frozen=True)
class Entry:
    """One kind of weight, with its bias: so many numbers each, in so many copies."""

    part: str
    role: str
    weight: int
    bias: int = 0
    copies: int = 1

    @property
    def total(self) -> int:
        return self.copies * (self.weight + self.bias)


def head_dim(config: PreTrainedConfig) -> int:
    divided = config.hidden_size // config.num_attention_heads
    return (getattr(config, "head_dim", None) or divided) if _is_gated(config) else divided


def kv_heads(config: PreTrainedConfig) -> int:
    return config.num_key_value_heads if _is_gated(config) else config.num_attention_heads


def keys(config: PreTrainedConfig, length: int) -> list[int]:
    """For each layer, the keys that it holds after so many tokens."""
    if config.model_type not in ("gemma3_text", "qwen2"):
        return [length] * config.num_hidden_layers
    return [
        min(length, config.sliding_window) if kind == "sliding_attention" else length
        for kind in config.layer_types
    ]


def keys_by_type(local: Callable[[int, int], int], other: Callable[[int, int], int]):
    """The keys of each layer, by its type: functions of (length, window)."""

    def kept(config: PreTrainedConfig, length: int) -> list[int]:
        window = getattr(config, "sliding_window", None)
        if not window:
            return keys(config, length)
        return [
            (local if kind == "sliding_attention" else other)(length, window)
            for kind in config.layer_types
        ]

    return kept


def all_keys(length: int, window: int) -> int:
    return length


def ledger(config: PreTrainedConfig) -> list[Entry]:
    """Everything that a model of this configuration holds; a tied unembedding too."""
    width = config.hidden_size
    kind = config.model_type
    blocks = _gated_block(config) if _is_gated(config) else _plain_block(config)
    positions = {"gpt2": 0, "opt": 2}  # OPT's table has two rows more
    rows = config.max_position_embeddings + positions[kind] if kind in positions else 0
    entries = [
        Entry("embedding", "tokens", config.vocab_size * width),
        Entry("embedding", "positions", rows * width),
        *(Entry(*fields, copies=config.num_hidden_layers) for fields in blocks),
        Entry("norm", "final", width, 0 if _is_gated(config) else width),
        Entry("unembedding", "unembedding", config.vocab_size * width),
    ]
    return [entry for entry in entries if entry.total]


def _is_gated(config: PreTrainedConfig) -> bool:
    return config.model_type in ("qwen2", "llama", "gemma3_text")


def _gated_block(config: PreTrainedConfig) -> list[tuple]:
    width, inner = config.hidden_size, config.intermediate_size
    queries = config.num_attention_heads * head_dim(config)
    values = config.num_key_value_heads * head_dim(config)
    kind = config.model_type
    in_all = kind == "llama" and config.attention_bias
    in_qkv = in_all or kind == "qwen2"
    in_ffn = kind == "llama" and config.mlp_bias
    block = [
        ("attention", "queries", width * queries, in_qkv * queries),
        ("attention", "keys", width * values, in_qkv * values),
        ("attention", "values", width * values, in_qkv * values),
        ("attention", "output", queries * width, in_all * width),
        ("ffn", "gate", width * inner, in_ffn * inner),
        ("ffn", "up", width * inner, in_ffn * inner),
        ("ffn", "down", inner * width, in_ffn * width),
        ("norm", "before attention", width),
        ("norm", "before ffn", width),
    ]
    more_norms = [
        ("norm", "after attention", width),
        ("norm", "after ffn", width),
        ("norm", "heads", 2 * head_dim(config)),
    ]
    return block + more_norms if kind == "gemma3_text" else block


def _plain_block(config: PreTrainedConfig) -> list[tuple]:
    width = config.hidden_size
    inner = {"gpt2": "n_inner", "opt": "ffn_dim", "gpt_neox": "intermediate_size"}
    ffn = getattr(config, inner[config.model_type])
    biased = getattr(config, "enable_bias", True)
    return [
        ("attention", "queries", width * width, biased * width),
        ("attention", "keys", width * width, biased * width),
        ("attention", "values", width * width, biased * width),
        ("attention", "output", width * width, biased * width),
        ("ffn", "up", width * ffn, biased * ffn),
        ("ffn", "down", ffn * width, biased * width),
        ("norm", "before attention", width, width),
        ("norm", "before ffn", width, width),
    ]


def describe(config: PreTrainedConfig) -> str:
    """A configuration in a few words."""
    tied = "tied" if config.tie_word_embeddings else "not tied"
    return (
        f"a small {NAMES[config.model_type]} ({config.num_hidden_layers} layers, width "
        f"{config.hidden_size}, {config.num_attention_heads} heads, {kv_heads(config)} KV heads, "
        f"head_dim {head_dim(config)}, embeddings {tied})"
    )


# Judging one number


def judged(
    calls: list[dict],
    inputs: list[tuple],
    right: Callable[..., float],
    candidates: Iterable[tuple[str, Callable]],
    question: Callable[..., str],
) -> Refusal | None:
    """The refusal of answers that should be ``right(*arguments)``, a number."""
    given = [_with_float(call) for call in calls]
    expected = [float(right(*arguments)) for arguments in inputs]
    wrong = [i for i, call in enumerate(given) if call.get("value") != expected[i]]
    if not wrong:
        return None
    first = wrong[0]
    as_floats = [(slug, _float_of(function)) for slug, function in candidates]
    slug = common.explain(given, wrong, inputs, as_floats, 0.0)
    plain = _unexplained(given[first], expected[first], question(*inputs[first]))
    return Refusal(slug, plain.expected, plain.seen) if slug else plain


def _with_float(call: dict) -> dict:
    value = call.get("value")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return call | {"value": round(float(value), 3)} if is_number else call


def _float_of(function: Callable) -> Callable:
    return lambda *arguments: round(float(function(*arguments)), 3)


def _unexplained(call: dict, right: float, question: str) -> Refusal:
    expected = f"{show(right)} for {question}"
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    value = call["value"]
    if isinstance(value, float):
        return Refusal("value/wrong", expected, show(value))
    refusal = common.wrong_type(value, expected)
    return refusal or Refusal("result/wrong-type", expected, "a tensor of several numbers")


def show(value: float) -> str:
    """A count, with its decimals where it has any."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.6g}"
