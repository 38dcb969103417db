"""The logit lens: what a model would say if it stopped after an earlier block.

The residual stream behind a block goes through the model's own final norm and unembedding, as the
last one does. The tuned lens first translates it, by an affine map learned for each layer.

Layers are named "embedding" (what enters block 0), 0, 1, … (the outputs of the blocks). All
divergences and entropies are in nats.

Sources: nostalgebraist, "interpreting GPT: the logit lens" (2020); Belrose et al., "Eliciting
Latent Predictions from Transformers with the Tuned Lens" (2023).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from .anatomy import anatomy
from .hooks import check_evaluating

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

EMBEDDING = "embedding"
MEASURES = ("kl", "entropy")
CHUNK = 256  # rows of logits that are held at a time

Layer = int | str
States = dict[Layer, Float[Tensor, "*rows d_model"]]
Unembed = Callable[[Float[Tensor, "*rows d_model"]], Float[Tensor, "*rows vocab"]]


# For one text


def logit_lens(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str, top_k: int = 5
) -> list[dict]:
    """What each layer would say after the last token of the text.

    A dict for the embedding and for each block: ``layer`` ("embedding", 0, 1, …), ``top_tokens``
    (the likeliest first, each decoded by itself) and ``top_token_logits``
    (Float[Tensor, "top_k"], float32, on the CPU).
    Raises ValueError for a text without tokens and a ``top_k`` that the vocabulary does not have.
    """
    _check(model, torch.Size(), top_k)
    ids = _ids(tokenizer, text)
    states = {layer: x[0, -1] for layer, x in residual_streams(model, ids).items()}
    reading = read(model, states, top_k)
    return [
        {
            "layer": layer,
            "top_tokens": [tokenizer.decode(token) for token in tokens.tolist()],
            "top_token_logits": logits.float().cpu(),
        }
        for layer, tokens, logits in zip(
            reading.layers, reading.top_ids, reading.top_logits, strict=True
        )
    ]


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> Int[Tensor, "1 pos"]:
    ids = tokenizer(text, return_tensors="pt").input_ids
    if ids.shape[-1] == 0:
        raise ValueError("The text has no tokens: give at least one character.")
    return ids


# For all positions of a batch


@torch.no_grad()
def residual_streams(model: PreTrainedModel, input_ids: Int[Tensor, "batch pos"]) -> States:
    """The residual stream at every layer, [batch, pos, d_model], before the final norm.

    Rows of unequal length are padded on the right: no token sees what comes after it.
    Raises ValueError for a model in training mode.
    """
    check_evaluating(model)
    parts = anatomy(model)
    input_ids = input_ids.to(model.device)
    with _outputs(parts.blocks) as outputs:
        parts.decoder(input_ids=input_ids, use_cache=False)
    return {EMBEDDING: parts.embed(input_ids), **dict(enumerate(outputs))}


@contextmanager
def _outputs(blocks: Iterable[nn.Module]) -> Iterator[list[Tensor]]:
    """What the blocks give, without the copies that ``hooks.record`` makes."""
    outputs: list[Tensor] = []

    def note(block: nn.Module, args: tuple, output: Tensor | tuple) -> None:
        outputs.append(output[0] if isinstance(output, tuple) else output)

    with ExitStack() as installed:
        for block in blocks:
            installed.callback(block.register_forward_hook(note).remove)
        yield outputs


@dataclass(frozen=True, eq=False)
class Reading:
    """What the lens shows: row i of each tensor belongs to ``layers[i]``."""

    layers: list[Layer]
    top_ids: Int[Tensor, "layer *rows top_k"]
    top_logits: Float[Tensor, "layer *rows top_k"]
    kl: Float[Tensor, " layer *rows"] | None = None
    """KL(last layer ‖ layer)."""
    entropy: Float[Tensor, " layer *rows"] | None = None
    rank: Int[Tensor, " layer *rows"] | None = None
    """How many tokens have a larger logit than the target: 0 where it leads."""


@torch.no_grad()
def read(
    model: PreTrainedModel,
    states: States,
    top_k: int = 5,
    measures: Collection[str] = (),
    targets: Int[Tensor, " *rows"] | None = None,
) -> Reading:
    """Norm and unembed the states of each layer; the last one gives the final distribution.

    ``measures`` may name "kl" and "entropy"; ``targets`` are token ids, whose ranks are given.
    Logits of CHUNK rows are held at a time, in float32 where the model has half of it.
    Raises ValueError for an unknown measure, targets of another shape than the rows, and a
    ``top_k`` that the vocabulary does not have.
    """
    final = list(states.values())[-1]
    rows = final.shape[:-1]
    _check(model, rows, top_k, measures, targets)
    unembed = anatomy(model).unembed
    streams = [x.reshape(-1, x.shape[-1]) for x in states.values()]
    if targets is not None:
        targets = targets.reshape(-1, 1).to(final.device)
    pieces = []
    for start in range(0, len(streams[0]), CHUNK):
        chunk = slice(start, start + CHUNK)
        wanted = None if targets is None else targets[chunk]
        pieces.append(_read_chunk(unembed, [x[chunk] for x in streams], top_k, measures, wanted))
    columns = {
        name: torch.cat([piece[name] for piece in pieces], dim=1).unflatten(1, rows)
        if rows
        else pieces[0][name][:, 0]
        for name in pieces[0]
    }
    return Reading(list(states), **columns)


def _check(model, rows: torch.Size, top_k: int, measures=(), targets=None) -> None:
    vocabulary = model.get_output_embeddings().weight.shape[0]
    if not 1 <= top_k <= vocabulary:
        raise ValueError(f"top_k is {top_k}: give 1 to {vocabulary}, the size of the vocabulary.")
    if unknown := set(measures) - set(MEASURES):
        raise ValueError(f"Unknown measure {', '.join(unknown)}: known are {', '.join(MEASURES)}.")
    if targets is not None and targets.shape != rows:
        raise ValueError(
            f"Targets of shape {list(targets.shape)} for states of {list(rows)} rows: give one "
            "token id for each row."
        )
    if 0 in rows:
        raise ValueError(f"States of {list(rows)} rows: give at least one.")


def _read_chunk(
    unembed: Unembed,
    streams: Sequence[Float[Tensor, "row d_model"]],
    top_k: int,
    measures: Collection[str],
    targets: Int[Tensor, "row 1"] | None,
) -> dict[str, Tensor]:
    """The columns of a Reading for some rows, [layer, row, …]; the last layer is read first."""
    final = entropy_of_final = None
    readings = []
    for x in reversed(streams):
        logits = _at_least_float32(unembed(x))
        top = logits.topk(top_k)
        reading = {"top_ids": top.indices, "top_logits": top.values}
        if measures:
            normalizer = logits.logsumexp(-1)
        if "kl" in measures:
            final = logits.softmax(-1) if final is None else final
            cross_entropy = normalizer - torch.linalg.vecdot(final, logits)
            entropy_of_final = cross_entropy if entropy_of_final is None else entropy_of_final
            reading["kl"] = (cross_entropy - entropy_of_final).clamp(min=0)
        if "entropy" in measures:
            mean = logits.softmax(-1).mul_(logits).sum(-1)  # in place: a buffer less
            reading["entropy"] = (normalizer - mean).clamp(min=0)
        if targets is not None:
            reading["rank"] = (logits > logits.gather(-1, targets)).sum(-1)
        readings.append(reading)
        del logits  # before the next layer's are made
    return {name: torch.stack([r[name] for r in reversed(readings)]) for name in readings[0]}


def _at_least_float32(logits: Tensor) -> Tensor:
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


# What a curve over the layers says


def first_leading_block(
    logits: Float[Tensor, "block batch vocab"], answers: Int[Tensor, " batch"]
) -> Int[Tensor, " batch"]:
    """The first block from which on the answer has the largest logit at every block.

    The number of blocks where it does not lead at the last one.
    """
    leads = logits.argmax(dim=-1) == answers  # [block, batch]
    leads_to_the_end = leads.flip(0).cumprod(dim=0)
    return len(logits) - leads_to_the_end.sum(dim=0)


def kl_to_final(logits: Float[Tensor, "layer *batch vocab"]) -> Float[Tensor, " layer *batch"]:
    """KL(last layer ‖ layer) in nats, of each layer and position."""
    logs = logits.log_softmax(dim=-1)
    return (logs[-1].exp() * (logs[-1] - logs)).sum(dim=-1)


# The tuned lens


class Translator(nn.Module):
    """An affine map in residual form, x + W x + b; the identity before it is trained."""

    def __init__(self, d_model: int):
        super().__init__()
        self.change = nn.Linear(d_model, d_model)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def forward(self, states: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows d_model"]:
        return states + self.change(states)

    def loss(
        self,
        states: Float[Tensor, "*rows d_model"],
        unembed: Unembed,
        final_logits: Float[Tensor, "*rows vocab"],
    ) -> Float[Tensor, ""]:
        """Mean over the rows of KL(final ‖ translated), in nats."""
        logs = _at_least_float32(unembed(self(states))).log_softmax(dim=-1)
        final = _at_least_float32(final_logits).log_softmax(dim=-1)
        return (final.exp() * (final - logs)).sum(dim=-1).mean()

    def fit(
        self,
        states: Float[Tensor, "row d_model"],
        unembed: Unembed,
        final_logits: Float[Tensor, "row vocab"],
        steps: int = 100,
        learning_rate: float = 1e-3,
        batch_size: int = 128,
    ) -> None:
        """Minimize the loss by Adam, each step on rows drawn at random (torch's global state)."""
        optimizer = torch.optim.Adam(self.parameters(), lr=learning_rate)
        for _ in range(steps):
            rows = torch.randint(len(states), (batch_size,), device=states.device)
            loss = self.loss(states[rows], unembed, final_logits[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


class TunedLens(nn.Module):
    """A translator for each layer but the last, whose output is the model's own.

    ``read(model, tuned_lens(states))`` reads through it.
    """

    def __init__(self, layers: Iterable[Layer], d_model: int):
        super().__init__()
        self.d_model = d_model
        self.translators = nn.ModuleDict({str(layer): Translator(d_model) for layer in layers})

    def forward(self, states: States) -> States:
        """The states, translated. Raises ValueError if the layers are not those of the lens."""
        *inner, last = states
        if [*map(str, inner)] != list(self.translators):
            raise ValueError(
                f"States of layers {', '.join(map(str, states))}; the lens translates "
                f"{', '.join(self.translators)} and takes one more, the last: use the model that "
                "it was trained for."
            )
        translated = {layer: self.translators[str(layer)](states[layer]) for layer in inner}
        return translated | {last: states[last]}

    def save(self, path: str | Path) -> None:
        """Write the translators as a safetensors file."""
        from safetensors.torch import save_file

        save_file(self.state_dict(), path)

    @classmethod
    def load(cls, path: str | Path) -> TunedLens:
        """What ``save`` wrote, in its dtype, frozen. Raises ValueError for a file of something
        else."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            weights = load_file(path)
            names = [name for name in weights if name.endswith(".bias")]
            layers = [re.fullmatch(r"translators\.(\w+)\.change\.bias", name)[1] for name in names]
            layers.sort(key=lambda layer: -1 if layer == EMBEDDING else int(layer))
            bias = weights[names[0]]
            lens = cls(layers, len(bias)).to(bias.dtype)
            lens.load_state_dict(weights)
        except (SafetensorError, IndexError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"{path} holds no tuned lens: give a file that TunedLens.save wrote."
            ) from error
        return lens.requires_grad_(False)


def document_states(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    documents: Sequence[str],
    length: int = 64,
    batch_size: int = 16,
) -> States:
    """The residual streams of the first ``length`` tokens of each document, [row, d_model].

    Raises ValueError where there is no document.
    """
    if not documents:
        raise ValueError("There are no documents: give at least one.")
    parts: list[States] = []
    for start in range(0, len(documents), batch_size):
        inputs = tokenizer(
            list(documents[start : start + batch_size]),
            return_tensors="pt",
            padding=True,
            padding_side="right",
            truncation=True,
            max_length=length,
        )
        is_token: Bool[Tensor, "batch pos"] = inputs.attention_mask.bool().to(model.device)
        streams = residual_streams(model, inputs.input_ids)
        parts.append({layer: x[is_token] for layer, x in streams.items()})
    return {layer: torch.cat([part[layer] for part in parts]) for layer in parts[0]}


def train_tuned_lens(
    model: PreTrainedModel,
    states: States,
    steps: int = 100,
    learning_rate: float = 1e-3,
    batch_size: int = 128,
    seed: int = 0,
) -> TunedLens:
    """A tuned lens fitted to these states, [row, d_model]: in each step all layers on the same
    rows, drawn at random, by Adam.

    Raises ValueError for a model whose parameters are not frozen; ``load_lm`` freezes them.
    """
    from tqdm.auto import tqdm

    if any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError("The model is not frozen: call model.requires_grad_(False) first.")
    unembed = anatomy(model).unembed
    *inner, last = states
    final = states[last]
    with torch.random.fork_rng(devices=[final.device] * final.is_cuda):
        torch.manual_seed(seed)
        lens = TunedLens(inner, final.shape[-1]).to(final)
        optimizer = torch.optim.Adam(lens.parameters(), lr=learning_rate)
        for _ in tqdm(range(steps), desc="tuned lens", unit="step"):
            rows = torch.randint(len(final), (batch_size,), device=final.device)
            with torch.no_grad():
                final_logits = unembed(final[rows])
            optimizer.zero_grad()
            for layer in inner:  # a layer at a time: its logits are gone before the next one's
                lens.translators[str(layer)].loss(
                    states[layer][rows], unembed, final_logits
                ).backward()
            optimizer.step()
    return lens.requires_grad_(False)


def mean_kl(model: PreTrainedModel, states: States) -> dict[Layer, float]:
    """KL(last layer ‖ layer) in nats, averaged over the rows, for each layer."""
    reading = read(model, states, top_k=1, measures=["kl"])
    return dict(zip(reading.layers, reading.kl.flatten(1).mean(1).tolist(), strict=True))
