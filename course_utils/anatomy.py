"""Where the parts of a language model live, and what they cost.

A decoder-only model is an embedding, a stack of blocks that write to the residual stream, a final
norm and an unembedding. Every architecture names them differently; `anatomy` finds them.

Layer *i*, everywhere in this course, means the **output of block i** (blocks count from 0). In
transformers' `hidden_states` that is entry i + 1: entry i is the *input* of block i, and the last
entry is already through the final norm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


class UnknownArchitecture(ValueError):
    """The model's class is none whose parts are known."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The parts of one model: the model's own modules, not copies.

    The outputs of `attentions[i]` and `mlps[i]` are the attention and MLP outputs of block i.
    Gemma 2 and 3 norm these once more before adding them to the residual stream.
    """

    decoder: nn.Module
    """Runs the blocks; receives `past_key_values`."""
    embedding: nn.Module
    blocks: list[nn.Module]
    attentions: list[nn.Module]
    mlps: list[nn.Module]
    final_norm: nn.Module
    """Identity where the model has none (OPT-350m norms inside its blocks)."""
    unembedding: nn.Module
    position_embedding: nn.Module | None
    project_in: nn.Module | None
    project_out: nn.Module | None
    embedding_scale: float | None
    softcap: float | None
    """Logits are squashed to softcap * tanh(logits / softcap)."""

    def embed(
        self,
        input_ids: Int[Tensor, "batch pos"],
        position_ids: Int[Tensor, "... pos"] | None = None,
    ) -> Float[Tensor, "batch pos d_model"]:
        """What enters block 0 (without dropout).

        `position_ids` (default 0, 1, 2, …) matter only where positions are embedded (GPT-2, OPT);
        models with rotary embeddings meet positions in attention.
        """
        residual = self.embedding(input_ids)
        if self.embedding_scale is not None:
            residual = residual * torch.tensor(self.embedding_scale, dtype=residual.dtype)
        if self.project_in is not None:
            residual = self.project_in(residual)
        if self.position_embedding is None:
            return residual
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[-1], device=input_ids.device)
        return residual + self._embed_positions(position_ids)

    def _embed_positions(
        self, position_ids: Int[Tensor, "... pos"]
    ) -> Float[Tensor, "... pos d_model"]:
        table = self.position_embedding
        return nn.functional.embedding(position_ids + getattr(table, "offset", 0), table.weight)

    def unembed(self, residual: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch vocab"]:
        """Logits of a residual stream: final norm, unembedding and what the model adds after it."""
        hidden = self.final_norm(residual)
        if self.project_out is not None:
            hidden = self.project_out(hidden)
        logits = self.unembedding(hidden)
        if self.softcap is not None:
            logits = logits / self.softcap  # line by line: two arrays of logits at a time
            logits = logits.tanh()
            logits = logits * self.softcap
        return logits


@dataclass(frozen=True)
class _Layout:
    """Names of the parts: `attention` and `mlp` within a block, the others within the decoder."""

    decoder: str
    embedding: str
    blocks: str
    attention: str
    mlp: str
    final_norm: str
    position_embedding: str | None = None


_LLAMA = _Layout("model", "embed_tokens", "layers", "self_attn", "mlp", "norm")
_LAYOUTS = {
    "Qwen2ForCausalLM": _LLAMA,
    "LlamaForCausalLM": _LLAMA,
    "Gemma2ForCausalLM": _LLAMA,
    "Gemma3ForCausalLM": _LLAMA,
    "GPT2LMHeadModel": _Layout("transformer", "wte", "h", "attn", "mlp", "ln_f", "wpe"),
    "GPTNeoXForCausalLM": _Layout(
        "gpt_neox", "embed_in", "layers", "attention", "mlp", "final_layer_norm"
    ),
    # OPT has no MLP module: the output of its second linear map is the MLP's output.
    "OPTForCausalLM": _Layout(
        "model.decoder",
        "embed_tokens",
        "layers",
        "self_attn",
        "fc2",
        "final_layer_norm",
        "embed_positions",
    ),
}


def anatomy(model: nn.Module) -> Anatomy:
    """The parts of `model`, a causal language model of transformers.

    Known: Qwen2, Llama, GPT-2, GPT-NeoX (Pythia), Gemma 2, Gemma 3 (text) and OPT.
    Raises UnknownArchitecture for any other class.
    """
    layout = _layout(model)
    decoder = model.get_submodule(layout.decoder)
    embedding = decoder.get_submodule(layout.embedding)
    blocks = list(decoder.get_submodule(layout.blocks))
    return Anatomy(
        decoder=decoder,
        embedding=embedding,
        blocks=blocks,
        attentions=[block.get_submodule(layout.attention) for block in blocks],
        mlps=[block.get_submodule(layout.mlp) for block in blocks],
        final_norm=getattr(decoder, layout.final_norm) or nn.Identity(),
        unembedding=model.get_output_embeddings(),
        position_embedding=layout.position_embedding
        and decoder.get_submodule(layout.position_embedding),
        project_in=getattr(decoder, "project_in", None),
        project_out=getattr(decoder, "project_out", None),
        embedding_scale=_embedding_scale(model, embedding),
        softcap=getattr(model.config, "final_logit_softcapping", None),
    )


def _layout(model: nn.Module) -> _Layout:
    for cls in type(model).__mro__:
        if cls.__name__ in _LAYOUTS:
            return _LAYOUTS[cls.__name__]
    raise UnknownArchitecture(
        f"{type(model).__name__} is not an architecture this course knows; known are "
        f"{', '.join(sorted(_LAYOUTS))}: load one of these, or add its layout to {__name__}."
    )


def _embedding_scale(model: nn.Module, embedding: nn.Module) -> float | None:
    """Gemma multiplies embeddings by sqrt(d_model): mostly in the embedding module itself, but in
    Gemma 2 of transformers 5.0 outside it."""
    is_outside = model.config.model_type == "gemma2" and not hasattr(embedding, "embed_scale")
    return model.config.hidden_size**0.5 if is_outside else None


# What the parts cost


PARTS = ("embedding", "attention", "ffn", "norm", "unembedding")
GLOBAL, LOCAL = "full_attention", "sliding_attention"  # layer types, as transformers calls them


def count_parameters(model: PreTrainedModel) -> dict[str, int]:
    """The number of parameters in each of PARTS; they add up to all that the model has.

    Learned positions belong to the embedding, the norms inside attention (Gemma 3) to the norms.
    A tied unembedding is counted once, as the embedding.
    """
    counts = dict.fromkeys(PARTS, 0)
    for path, parameter in model.named_parameters():  # a shared tensor comes once
        counts[_part(model, path)] += parameter.numel()
    return counts


def _part(model: PreTrainedModel, path: str) -> str:
    owner = model.get_submodule(path.rpartition(".")[0])
    if isinstance(owner, nn.Embedding):
        return "embedding"
    if owner is model.get_output_embeddings():
        return "unembedding"
    if "norm" in type(owner).__name__.lower():
        return "norm"
    if not re.search(r"\.\d+\.", path):
        return "embedding"  # a projection beside it (OPT-350m)
    return "attention" if re.search("attn|attention", path) else "ffn"


def layer_windows(config: PreTrainedConfig) -> list[int | None]:
    """For each layer, over how many tokens it attends at most; None for a global layer.

    Raises ValueError for layers that attend in another way, or not at all.
    """
    config = config.get_text_config()
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None) or (
        [LOCAL if window else GLOBAL] * config.num_hidden_layers
    )
    if unknown := set(kinds) - {LOCAL, GLOBAL}:
        raise ValueError(
            f"The configuration has layers of {' and '.join(sorted(unknown))}: known are "
            f"{GLOBAL} and {LOCAL}; choose a model that has no others."
        )
    return [window if kind == LOCAL else None for kind in kinds]


def attention_heads(config: PreTrainedConfig) -> tuple[int, int, int]:
    """The numbers of query heads and of KV heads, and the width of a head."""
    config = config.get_text_config()
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    return heads, kv_heads, getattr(config, "head_dim", None) or config.hidden_size // heads


def kv_cache_bytes(
    config: PreTrainedConfig, batch: int, length: int, bytes_per_value: float = 2
) -> float:
    """Bytes of the keys and values of ``length`` tokens in each of ``batch`` sequences.

    2 · batch · kv_heads · head_dim · bytes_per_value · Σ over layers of min(length, window).
    Raises ValueError for a negative number, and as ``layer_windows``.
    """
    for name, value in (("batch", batch), ("length", length), ("bytes_per_value", bytes_per_value)):
        if value < 0:
            raise ValueError(f"{name} is {value}: give 0 or more.")
    _, kv_heads, head_dim = attention_heads(config)
    return 2 * batch * kv_heads * head_dim * bytes_per_value * _kept_keys(config, length)


def _kept_keys(config: PreTrainedConfig, length: int) -> int:
    """The sum over layers of the keys that a token after ``length`` - 1 others attends to."""
    return sum(length if w is None else min(length, w) for w in layer_windows(config))


def flops_per_token(model: PreTrainedModel, length: int) -> int:
    """Floating-point operations for one token that attends to ``length`` keys, its own included.

    Matrix products alone, a multiply-add as 2: every linear map, the unembedding among them, and
    in each layer the query against the keys and the weights against the values, over
    min(length, window) keys. In a prefill of ``length`` tokens this is the cost of each where all
    layers are global and no kernel skips what the mask hides. For dense decoders.
    Raises ValueError for a length below 1, stacked weights (mixtures of experts), and as
    ``layer_windows``.
    """
    from transformers.pytorch_utils import Conv1D

    if length < 1:
        raise ValueError(f"length is {length}: give at least 1, the token itself.")
    if any(parameter.dim() > 2 for parameter in model.parameters()):
        raise ValueError(
            f"{type(model).__name__} has stacked weights, of which a token uses a part: "
            "choose a dense decoder."
        )
    heads, _, head_dim = attention_heads(model.config)
    maps = [module for module in model.modules() if isinstance(module, nn.Linear | Conv1D)]
    attention = 4 * heads * head_dim * _kept_keys(model.config, length)
    return 2 * sum(module.weight.numel() for module in maps) + attention


@torch.no_grad()
def masking(model: PreTrainedModel) -> str:
    """What the model's attention does with a mask of floats: "additive" or "multiplicative".

    Found out by experiment: under a causal mask of ones and zeros, does the first token notice
    that the last one changes? Not where weights are multiplied by the mask; where it is added to
    the scores, 0 and 1 hide nothing. The model has to be in eval mode.
    """
    length = 4
    mask = torch.ones(1, 1, length, length, dtype=model.dtype, device=model.device).tril()
    ids = torch.arange(length, device=model.device)[None]
    changed = ids + (ids == length - 1)
    before, after = (model(x, attention_mask=mask).logits[0, 0] for x in (ids, changed))
    return "multiplicative" if torch.allclose(before, after) else "additive"
