"""Probes and inputs for the exercises of ``01_anatomy``: small models with sizes from the seed.

An input-maker returns a list of argument tuples that begin with a configuration. Models stand on
the device "meta", but for those that have to run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from transformers import (
    AttentionInterface,
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    OPTConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
)

from course_utils.checks.probes.guard import attempt, describe

HEADS = 6  # neither a number of layers, nor a head's width, nor a factor of a formula
NO_TOKENS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


class Sizes:
    """Whole numbers drawn from the seed."""

    def __init__(self, seed: int, stream: int):
        self._generator = torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)

    def between(self, low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=self._generator))

    def base(self) -> dict:
        """Sizes of a decoder whose heads are together as wide as the hidden size."""
        return NO_TOKENS | {
            "num_hidden_layers": 2 * self.between(1, 2) + 1,
            "hidden_size": 2 * HEADS * self.between(4, 5),
            "num_attention_heads": HEADS,
            "vocab_size": self.between(60, 99),
            "max_position_embeddings": 256,
        }

    def gated(self, kv_heads: int = HEADS, **others) -> dict:
        """Sizes of a decoder with a gated FFN, its embeddings not tied; `others` go first."""
        return self.base() | {
            "intermediate_size": self.between(41, 59),
            "num_key_value_heads": kv_heads,
            "tie_word_embeddings": False,
            **others,
        }

    def windows(self, **others) -> dict:
        """Sizes of a Gemma 3 with heads as wide as usual, and with layers of both types."""
        sizes = self.gated(num_hidden_layers=7) | others
        types = ["full_attention"] * 2 + ["sliding_attention"] * 4
        order = torch.randperm(6, generator=self._generator).tolist()
        return sizes | {
            "head_dim": sizes["hidden_size"] // HEADS,
            "sliding_window": self.between(8, 15),
            "layer_types": ["sliding_attention"] + [types[i] for i in order],
        }


def gpt2(sizes: Sizes, **others) -> GPT2Config:
    return GPT2Config(
        **sizes.base() | {"n_inner": sizes.between(41, 59), "tie_word_embeddings": False} | others
    )


def skeleton(config: PreTrainedConfig) -> PreTrainedModel:
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def _lenient(answer: Callable) -> Callable:
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
    single = isinstance(value, Tensor) and value.numel() == 1 and value.device.type != "meta"
    return value.item() if single or isinstance(value, np.generic) else value


# count_parameters(model)


def blocks_inputs(seed: int) -> list[tuple[PreTrainedConfig]]:
    sizes = Sizes(seed, 41)
    return [
        (Qwen2Config(**sizes.gated(kv_heads=2)),),
        (LlamaConfig(**sizes.gated(kv_heads=1), attention_bias=True, mlp_bias=True),),
    ]


def tied_inputs(seed: int) -> list[tuple[PreTrainedConfig]]:
    sizes = Sizes(seed, 42)
    return [(LlamaConfig(**sizes.gated(kv_heads=2, tie_word_embeddings=True)),)]


def gpt2_inputs(seed: int) -> list[tuple[PreTrainedConfig]]:
    return [(gpt2(Sizes(seed, 43)),)]


def inner_norms_inputs(seed: int) -> list[tuple[PreTrainedConfig]]:
    return [(Gemma3TextConfig(**Sizes(seed, 44).gated(kv_heads=1, head_dim=6)),)]


def other_names_inputs(seed: int) -> list[tuple[PreTrainedConfig]]:
    sizes = Sizes(seed, 45)
    opt = {"ffn_dim": sizes.between(41, 59), "tie_word_embeddings": False, "enable_bias": False}
    neox = {"intermediate_size": sizes.between(41, 59), "tie_word_embeddings": False}
    return [(OPTConfig(**sizes.base() | opt),), (GPTNeoXConfig(**sizes.base() | neox),)]


def _on_models(inputs: Callable[[int], list[tuple]], frozen: bool = False):
    """A probe that calls the answer with each configuration's model and the other arguments."""

    def probe(answer: Callable, seed: int) -> list[dict]:
        answer = _lenient(answer)
        calls = []
        for config, *others in inputs(seed):
            model = skeleton(config).requires_grad_(not frozen)
            calls.append(attempt(answer, model, *others))
        return calls

    return probe


count_blocks = _on_models(blocks_inputs)
count_tied = _on_models(tied_inputs, frozen=True)
count_gpt2 = _on_models(gpt2_inputs)
count_inner_norms = _on_models(inner_norms_inputs)
count_other_names = _on_models(other_names_inputs)


# kv_cache_bytes(config, batch, length, bytes_per_value=2)


def grouped_inputs(seed: int) -> list[tuple]:
    """A length that the model can read, and one that is longer."""
    sizes = Sizes(seed, 51)
    return [
        (Qwen2Config(**sizes.gated(kv_heads=2)), 7, sizes.between(17, 31)),
        (LlamaConfig(**sizes.gated(kv_heads=1)), 9, sizes.between(257, 299)),
    ]


def gpt2_cache_inputs(seed: int) -> list[tuple]:
    sizes = Sizes(seed, 52)
    return [(gpt2(sizes), 7, sizes.between(17, 31))]


def head_dim_inputs(seed: int) -> list[tuple]:
    """Heads wider and narrower than hidden_size / heads; every layer global."""
    sizes = Sizes(seed, 53)
    wide = sizes.gated(kv_heads=2, hidden_size=24, head_dim=2 * sizes.between(5, 7))
    narrow = sizes.gated(kv_heads=2, hidden_size=96, head_dim=2 * sizes.between(2, 6))
    every_layer = {"layer_types": ["full_attention"] * wide["num_hidden_layers"]}
    return [
        (Gemma3TextConfig(**wide, **every_layer), 7, sizes.between(17, 31)),
        (LlamaConfig(**narrow), 9, sizes.between(33, 63)),
    ]


def local_inputs(seed: int) -> list[tuple]:
    """Lengths beyond the window and below it, and a window that is switched off."""
    sizes = Sizes(seed, 54)
    gemma = Gemma3TextConfig(**sizes.windows())
    qwen = sizes.gated(num_hidden_layers=5, max_window_layers=2, sliding_window=9)
    return [
        (gemma, 7, sizes.between(33, 63)),
        (gemma, 9, sizes.between(3, 7)),
        (Qwen2Config(**qwen, use_sliding_window=True), 7, sizes.between(33, 63)),
        (Qwen2Config(**qwen, use_sliding_window=False), 7, sizes.between(33, 63)),
    ]


def width_inputs(seed: int) -> list[tuple]:
    sizes = Sizes(seed, 55)
    config = LlamaConfig(**sizes.gated())
    return [
        (config, 7, sizes.between(17, 31), 4),
        (config, 9, sizes.between(33, 63), 1),
        (config, 7, sizes.between(33, 63), 0.5),
    ]


def _on_configs(inputs: Callable[[int], list[tuple]]):
    def probe(answer: Callable, seed: int) -> list[dict]:
        return [attempt(_lenient(answer), *arguments) for arguments in inputs(seed)]

    return probe


cache_grouped = _on_configs(grouped_inputs)
cache_gpt2 = _on_configs(gpt2_cache_inputs)
cache_head_dim = _on_configs(head_dim_inputs)
cache_local = _on_configs(local_inputs)
cache_width = _on_configs(width_inputs)


# flops_per_token(model, length)


def matrices_inputs(seed: int) -> list[tuple]:
    sizes = Sizes(seed, 61)
    tied = sizes.gated(tie_word_embeddings=True)
    return [
        (LlamaConfig(**sizes.gated(), attention_bias=True), sizes.between(17, 31)),
        (Qwen2Config(**tied), sizes.between(33, 63)),
    ]


def gpt2_flops_inputs(seed: int) -> list[tuple]:
    sizes = Sizes(seed, 62)
    return [(gpt2(sizes), sizes.between(17, 31))]


def heads_inputs(seed: int) -> list[tuple]:
    sizes = Sizes(seed, 63)
    return [
        (LlamaConfig(**sizes.gated(kv_heads=2, hidden_size=24, head_dim=10)), 41),
        (Qwen2Config(**sizes.gated(kv_heads=1)), sizes.between(64, 99)),
    ]


def local_flops_inputs(seed: int) -> list[tuple]:
    sizes = Sizes(seed, 64)
    gemma = Gemma3TextConfig(**sizes.windows())
    return [(gemma, sizes.between(33, 63)), (gemma, sizes.between(3, 7))]


flops_matrices = _on_models(matrices_inputs)
flops_gpt2 = _on_models(gpt2_flops_inputs)
flops_heads = _on_models(heads_inputs)
flops_local = _on_models(local_flops_inputs)


# masking(model)


def _attention(masked: Callable[[Tensor, Tensor | None], Tensor]) -> Callable:
    """Attention for transformers; `masked` makes the weights from the scores and the mask."""

    def attention(module, query, key, value, attention_mask, scaling=None, **kwargs):
        groups = query.shape[1] // key.shape[1]
        key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
        scores = query @ key.transpose(2, 3) * (scaling or query.shape[-1] ** -0.5)
        weights = masked(scores, attention_mask)
        return (weights @ value).transpose(1, 2), weights

    return attention


def _added(scores: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        mask = torch.full_like(scores, -torch.inf).triu(1)
    return (scores + mask).softmax(-1)


def _multiplied(scores: Tensor, mask: Tensor | None) -> Tensor:
    """The weights times the mask, 1 or 0, divided by their sum."""
    if mask is None:
        mask = torch.ones_like(scores).tril()
    weights = scores.softmax(-1) * mask
    return weights / weights.sum(-1, keepdim=True)


def _registered(masked: Callable, sizes: Sizes) -> str:
    """The name of an attention for transformers, drawn from the seed: it tells nothing."""
    name = f"course_{sizes.between(0, 10**9)}"
    AttentionInterface.register(name, _attention(masked))
    return name


def running(config: PreTrainedConfig, attention: str, spread: float = 0.4) -> PreTrainedModel:
    """A model that runs, its weights from the global generator, large enough to matter."""
    config.initializer_range = spread
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention)
    return model.eval().requires_grad_(False)


def _drawn(sizes: Sizes) -> PreTrainedConfig:
    """One of three architectures: which it is tells nothing of the mask."""
    config = (LlamaConfig, Qwen2Config, Gemma3TextConfig)[sizes.between(0, 2)]
    others = {"kv_heads": 1, "head_dim": 6} if config is Gemma3TextConfig else {"kv_heads": 2}
    return config(**sizes.gated(num_hidden_layers=2, **others))


def _adding(seed: int) -> list[PreTrainedModel]:
    """In all but the first the last token moves the first one's logits, but seldom their order."""
    sizes = Sizes(seed, 71)
    drawn, small = _drawn(sizes), [gpt2(sizes, num_hidden_layers=2) for _ in range(3)]
    added = _registered(_added, sizes)
    return [running(drawn, added), *(running(one, "sdpa", spread=0.02) for one in small)]


def _multiplying(seed: int) -> list[PreTrainedModel]:
    sizes = Sizes(seed, 72)
    drawn = [_drawn(sizes), _drawn(sizes)]
    multiplied = _registered(_multiplied, sizes)
    return [running(config, multiplied) for config in drawn]


def masking_additive(answer: Callable, seed: int) -> list[dict]:
    return [_experiment(answer, model) for model in _adding(seed)]


def masking_multiplicative(answer: Callable, seed: int) -> list[dict]:
    return [_experiment(answer, model) for model in _multiplying(seed)]


def masking_leaves(answer: Callable, seed: int) -> list[dict]:
    """The first call for each kind, with ``changed``: what it left changed in the model."""
    models = [_adding(seed)[0], _multiplying(seed)[0]]
    calls = []
    for model in models:
        ids = torch.zeros(1, 2, dtype=torch.long)
        model(ids, output_attentions=True)  # transformers leaves hooks of its own at first use
        before = _state(model)
        call = _experiment(answer, model)
        after = _state(model)
        calls.append(call | {"changed": [name for name in before if before[name] != after[name]]})
    return calls


def _experiment(answer: Callable, model: PreTrainedModel) -> dict:
    """The outcome, with ``passes``: the token ids and the mask of each forward pass.

    A mask that is no tensor is its description; one that was not given is None.
    """
    passes = []

    def record(module, args, kwargs):
        given = dict(zip(("input_ids", "attention_mask"), args, strict=False)) | kwargs
        ids, mask = given.get("input_ids"), given.get("attention_mask")
        passes.append({"ids": _copy(ids), "mask": _copy(mask)})

    handle = model.register_forward_pre_hook(record, with_kwargs=True)
    try:
        return attempt(_lenient(answer), model) | {"passes": passes[:20]}
    finally:
        handle.remove()


def _copy(value: object) -> object:
    if isinstance(value, Tensor):
        return value.detach().clone()
    return None if value is None else describe(value)


def _state(model: PreTrainedModel) -> dict:
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    return {
        "the training mode": model.training,
        "the attention": model.config._attn_implementation,
        "the hooks": hooks,
        "the parameters": [(p.dtype, float(p.double().sum())) for p in model.parameters()],
    }
