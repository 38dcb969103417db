"""Where the parts of a language model live.

A decoder-only model is an embedding, a stack of blocks that write to the residual stream, a final
norm and an unembedding. Every architecture names them differently; `anatomy` finds them.

Layer *i*, everywhere in this course, means the **output of block i** (blocks count from 0). In
transformers' `hidden_states` that is entry i + 1: entry i is the *input* of block i, and the last
entry is already through the final norm.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


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
            logits = self.softcap * torch.tanh(logits / self.softcap)
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
