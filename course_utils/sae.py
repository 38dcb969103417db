"""Sparse autoencoders: read a residual stream as a few of many directions, and write it back.

    stream = ActivationStream(model, tokenizer, block=4, documents=documents)
    sae = train(stream, latents=1536, activation=TOPK, k=32, steps=2000)
    features = sae.encode(activations)      # [*rows, d_sae], mostly zeros
    with replacing(model, 4, sae):
        model(**inputs)

Activations are those of a block's output. What the notebook builds by hand stands at the end.
"""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from .anatomy import anatomy
from .hooks import check_evaluating, edit

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

L1, TOPK, JUMPRELU = "standard", "topk", "jumprelu"  # as SAELens calls the architectures
WEIGHTS_FILE, CONFIG_FILE = "sae_weights.safetensors", "cfg.json"
BANDWIDTH = 0.1
"""Half a JumpReLU's window of the straight-through gradient, in units of a training's inputs."""
DOCUMENT_BATCH = 32


class SparseAutoencoder(nn.Module):
    """x̂ = f W_dec + b_dec with f = activation((x - b_dec) W_enc + b_enc), f sparse.

    `activation` is L1 (a ReLU, trained with a penalty on the sum of f: Bricken et al., 2023;
    Cunningham et al., 2023), TOPK (the ReLU of the k largest: Gao et al., 2024) or JUMPRELU (zero
    up to a threshold of its own for each latent: Rajamanoharan et al., 2024). Where
    `subtract_b_dec` is False, the encoder reads x itself (Gemma Scope). At first b_dec is 0, the
    rows of W_dec are random directions of norm 1, and W_enc is its transpose.
    Raises ValueError for another activation, or a k that the latents do not have.
    """

    def __init__(
        self,
        d_in: int,
        d_sae: int,
        activation: str = TOPK,
        k: int | None = None,
        subtract_b_dec: bool = True,
        metadata: Mapping | None = None,
    ):
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ValueError(
                f"activation is {activation!r}: give one of {', '.join(map(repr, _ACTIVATIONS))}."
            )
        if (activation == TOPK) != (k is not None) or not 1 <= (1 if k is None else k) <= d_sae:
            raise ValueError(
                f"k is {k}: give 1 to {d_sae}, the number of latents, for {TOPK!r}, and none else."
            )
        self.activation, self.k, self.subtract_b_dec = activation, k, subtract_b_dec
        self.metadata = dict(metadata or {})
        directions = F.normalize(torch.randn(d_sae, d_in), dim=-1)
        self.W_enc = nn.Parameter(directions.T.contiguous())
        self.b_enc = nn.Parameter(torch.zeros(d_sae))
        self.W_dec = nn.Parameter(directions.clone())
        self.b_dec = nn.Parameter(torch.zeros(d_in))
        if activation == JUMPRELU:
            self.threshold = nn.Parameter(torch.full((d_sae,), BANDWIDTH))

    @property
    def d_in(self) -> int:
        return self.W_dec.shape[1]

    @property
    def d_sae(self) -> int:
        return self.W_dec.shape[0]

    def before(self, x: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_sae"]:
        """What the activation function is given."""
        x = x.to(self.W_enc)
        return (x - self.b_dec if self.subtract_b_dec else x) @ self.W_enc + self.b_enc

    def encode(self, x: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_sae"]:
        """The activations of the latents, none below 0."""
        return _ACTIVATIONS[self.activation](self, self.before(x))

    def decode(self, features: Float[Tensor, "*rows d_sae"]) -> Float[Tensor, "*rows d_in"]:
        return features @ self.W_dec + self.b_dec

    def forward(self, x: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_in"]:
        """The reconstruction, in the dtype and on the device of x."""
        return self.decode(self.encode(x)).to(x)

    @torch.no_grad()
    def rescaled(self, scale: float) -> SparseAutoencoder:
        """The same for inputs that are `scale` times as long; the latents' values grow alike."""
        for name in ("b_enc", "b_dec", "threshold"):
            if hasattr(self, name):
                getattr(self, name).mul_(scale)
        return self

    def save(self, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
        """Write weights and configuration in the layout that SAELens reads, `metadata` with them.

        Each file appears whole or not at all.
        """
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "architecture": self.activation,
            "d_in": self.d_in,
            "d_sae": self.d_sae,
            "dtype": str(dtype).removeprefix("torch."),
            "device": "cpu",
            "apply_b_dec_to_input": self.subtract_b_dec,
            "normalize_activations": "none",
            "reshape_activations": "none",
            **({"k": self.k} if self.activation == TOPK else {}),
            "metadata": self.metadata,
        }
        tensors = {n: p.detach().to("cpu", dtype).contiguous() for n, p in self.named_parameters()}
        _write_whole(folder / WEIGHTS_FILE, lambda path: save_file(tensors, path))
        _write_whole(
            folder / CONFIG_FILE, lambda path: path.write_text(json.dumps(config, indent=1))
        )

    @classmethod
    def load(cls, folder: str | Path) -> SparseAutoencoder:
        """What `save` or SAELens wrote, in float32, frozen.

        Of SAELens the standard, TopK and JumpReLU architectures, also as written before its
        version 6. Raises ValueError for a folder that holds something else.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        folder = Path(folder)
        if missing := [n for n in (WEIGHTS_FILE, CONFIG_FILE) if not (folder / n).is_file()]:
            raise ValueError(f"{folder} has no {' and no '.join(missing)}: give a SAE's folder.")
        try:
            config = json.loads((folder / CONFIG_FILE).read_text())
            tensors = load_file(folder / WEIGHTS_FILE)
        except (SafetensorError, ValueError) as error:
            raise ValueError(f"{folder} holds no SAE ({error}): give another.") from None
        return cls._from_tensors(tensors, folder, **_options(config, folder))

    @classmethod
    def load_gemma_scope(cls, path: str | Path) -> SparseAutoencoder:
        """A `params.npz` of Gemma Scope (Lieberum et al., 2024), a JumpReLU, in float32, frozen.

        Raises ValueError for a file that holds something else.
        """
        import numpy as np

        try:
            with np.load(path, allow_pickle=False) as file:
                tensors = {name: torch.from_numpy(file[name]) for name in file.files}
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} is no npz file ({error}): give a params.npz.") from None
        return cls._from_tensors(tensors, path, JUMPRELU, subtract_b_dec=False)

    @classmethod
    def _from_tensors(
        cls,
        tensors: dict[str, Tensor],
        source: str | Path,
        activation: str,
        folded: bool = False,
        **options,
    ) -> SparseAutoencoder:
        """`folded`: the latents are chosen by their values times the norms of their decoders."""
        names = ["W_enc", "b_enc", "W_dec", "b_dec"] + ["threshold"] * (activation == JUMPRELU)
        if missing := [name for name in names if name not in tensors]:
            raise ValueError(f"{source} has no {' and no '.join(missing)}: give a SAE's weights.")
        W_dec = tensors["W_dec"]
        d_sae, d_in = W_dec.shape if W_dec.ndim == 2 else (0, 0)
        wanted = {"W_enc": (d_in, d_sae), "b_enc": (d_sae,), "W_dec": (d_sae, d_in)}
        wanted |= {"b_dec": (d_in,), "threshold": (d_sae,)}
        for name in names:
            if tensors[name].shape != wanted[name]:
                raise ValueError(
                    f"{name} of {source} has shape {list(tensors[name].shape)}; with {d_sae} "
                    f"latents for activations of width {d_in} it would be {list(wanted[name])}."
                )
        sae = cls(d_in, d_sae, activation, **options)
        sae.load_state_dict({name: tensors[name].float() for name in names})
        if folded:
            norms = sae.W_dec.data.norm(dim=-1)
            sae.W_enc.data *= norms
            sae.b_enc.data *= norms
            sae.W_dec.data /= norms[:, None]
        return sae.requires_grad_(False)


def _options(config: Mapping, folder: Path) -> dict:
    """What a cfg.json says about a SAE, in the words of `_from_tensors`."""
    kind = config.get("architecture", L1)
    kind = TOPK if config.get("activation_fn_str") == TOPK else kind
    if kind not in _ACTIVATIONS:
        raise ValueError(
            f"{folder} holds a SAE of architecture {kind!r}; known are {', '.join(_ACTIVATIONS)}."
        )
    if config.get("normalize_activations", "none") not in ("none", None):
        raise ValueError(
            f"{folder} holds a SAE that normalizes its inputs "
            f"({config['normalize_activations']}): fold that into its weights first."
        )
    k = config.get("k") or (config.get("activation_fn_kwargs") or {}).get("k")
    return {
        "activation": kind,
        "k": int(k) if kind == TOPK and k else None,
        "subtract_b_dec": bool(config.get("apply_b_dec_to_input", True)),
        "folded": bool(config.get("rescale_acts_by_decoder_norm", False)),
        "metadata": config.get("metadata") or config.get("meta") or {},
    }


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write(temporary path)` make a file that appears under its name only when complete."""
    temporary = path.with_suffix(path.suffix + ".part")
    write(temporary)
    os.replace(temporary, path)


# The three activation functions


def _relu(sae: SparseAutoencoder, before: Tensor) -> Tensor:
    return before.relu()


def _top_k(sae: SparseAutoencoder, before: Tensor) -> Tensor:
    values, latents = before.topk(sae.k, dim=-1, sorted=False)
    return torch.zeros_like(before).scatter(-1, latents, values.relu())


def _jump_relu(sae: SparseAutoencoder, before: Tensor) -> Tensor:
    return _Jump.apply(before.relu(), sae.threshold)


_ACTIVATIONS = {L1: _relu, TOPK: _top_k, JUMPRELU: _jump_relu}


def _near(values: Tensor, threshold: Tensor) -> Tensor:
    """The window around the threshold: 1 / BANDWIDTH inside, so that it integrates to 1."""
    return ((values - threshold).abs() < BANDWIDTH / 2).to(values) / BANDWIDTH


class _Jump(torch.autograd.Function):
    """Values above the threshold, else 0; to the threshold by a straight-through estimator."""

    @staticmethod
    def forward(ctx, values: Tensor, threshold: Tensor) -> Tensor:
        ctx.save_for_backward(values, threshold)
        return values * (values > threshold)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        values, threshold = ctx.saved_tensors
        to_threshold = -threshold * _near(values, threshold) * gradient
        return gradient * (values > threshold), to_threshold.sum_to_size(threshold.shape)


class _Count(torch.autograd.Function):
    """1 above the threshold, else 0; to the threshold by a straight-through estimator."""

    @staticmethod
    def forward(ctx, values: Tensor, threshold: Tensor) -> Tensor:
        ctx.save_for_backward(values, threshold)
        return (values > threshold).to(values)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, Tensor]:
        values, threshold = ctx.saved_tensors
        to_threshold = -_near(values, threshold) * gradient
        return None, to_threshold.sum_to_size(threshold.shape)


# Activations, streamed


class Batches(Protocol):
    """Batches of activations without end: each depends on its index alone."""

    def batch(self, index: int) -> Float[Tensor, "batch d_in"]: ...


@dataclass(frozen=True, eq=False)
class Rows:
    """Batches drawn at random from activations at hand."""

    rows: Float[Tensor, "row d_in"]
    batch_size: int = 1024
    seed: int = 0

    def batch(self, index: int) -> Float[Tensor, "batch d_in"]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        chosen = torch.randint(len(self.rows), (self.batch_size,), generator=generator)
        return self.rows[chosen]


class ActivationStream:
    """Batches of a block's output on documents, shuffled in a buffer of bounded size.

    `documents(i)` is an iterator of texts, other ones for each i, long enough to fill the buffer
    of `held` batches; the buffer is dealt out `passes` times, each time in another order. A
    document is read up to `length` tokens; special tokens are left out. The buffer is all that is
    kept, `memory` bytes; of the documents read last it holds as many tokens as fit, drawn by lot.
    Raises ValueError for a model in training mode and a block that it does not have; from `batch`,
    where the documents end before the buffer is full.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        block: int,
        documents: Callable[[int], Iterator[str]],
        batch_size: int = 1024,
        held: int = 64,
        passes: int = 1,
        seed: int = 0,
        length: int = 256,
    ):
        check_evaluating(model)
        n_blocks = len(anatomy(model).blocks)
        if not 0 <= block < n_blocks:
            raise ValueError(f"block is {block}: the model's blocks are 0 to {n_blocks - 1}.")
        self.model, self.tokenizer, self.block = model, tokenizer, block
        self.documents, self.length, self.seed = documents, length, seed
        self.batch_size, self.held, self.passes = batch_size, held, passes
        width = model.config.get_text_config().hidden_size
        self._buffer = torch.empty(held * batch_size, width)
        self._filled_for = self._ordered_for = None

    @property
    def memory(self) -> int:
        """Bytes of the buffer."""
        return self._buffer.numel() * self._buffer.element_size()

    def batch(self, index: int) -> Float[Tensor, "batch d_in"]:
        time, place = divmod(index, self.held)
        if time // self.passes != self._filled_for:
            self._fill(time // self.passes)
        if time != self._ordered_for:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + time)
            self._order = torch.randperm(len(self._buffer), generator=generator)
            self._ordered_for = time
        return self._buffer[self._order[place * self.batch_size :][: self.batch_size]]

    def _fill(self, fill: int) -> None:
        self._filled_for = None
        start, texts = 0, iter(self.documents(fill))
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 - fill - 1)
        while start < len(self._buffer):
            some = list(islice(texts, 8 * DOCUMENT_BATCH))
            if not some:
                raise ValueError(
                    f"The documents of fill {fill} hold {start} tokens; the buffer {self.memory:,} "
                    f"bytes for {len(self._buffer)}: give more documents, or hold less."
                )
            read = read_blocks(self.model, self.tokenizer, some, self.block, self.length)
            rows = torch.cat([rows.to(self._buffer) for rows in read])
            fits = torch.randperm(len(rows), generator=generator)[: len(self._buffer) - start]
            self._buffer[start : start + len(fits)] = rows[fits]
            start += len(fits)
        self._filled_for = fill


def course_documents(seed: int) -> Callable[[int], Iterator[str]]:
    """Documents of the bundled model's corpus, for `ActivationStream`."""
    from .course_lm.corpus import texts

    def documents(fill: int) -> Iterator[str]:
        numbers = random.Random(f"{seed} {fill}")
        while True:
            yield from texts(numbers.getrandbits(48), 256)

    return documents


class _Reached(Exception):
    """Raised behind the block that is wanted, so that the later ones do not run."""


@torch.no_grad()
def block_output(
    model: PreTrainedModel, input_ids: Int[Tensor, "batch pos"], block: int
) -> Float[Tensor, "batch pos d_model"]:
    """What leaves the block; the later ones do not run. Rows may be padded on the right."""
    parts, kept = anatomy(model), []

    def stop(module: nn.Module, args: tuple, output: Tensor | tuple) -> None:
        kept.append(output[0] if isinstance(output, tuple) else output)
        raise _Reached

    handle = parts.blocks[block].register_forward_hook(stop)
    try:
        parts.decoder(input_ids=input_ids.to(model.device), use_cache=False)
    except _Reached:
        pass
    finally:
        handle.remove()
    return kept[0]


def tokenized(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], length: int
) -> tuple[Int[Tensor, "batch pos"], Bool[Tensor, "batch pos"]]:
    """Ids of the texts' first `length` tokens, padded on the right, and where they are tokens of
    the text: neither padding nor special."""
    rows = [torch.tensor(tokenizer(text)["input_ids"][:length], dtype=torch.long) for text in texts]
    ids = pad_sequence(rows, batch_first=True)
    columns = torch.arange(ids.shape[1])
    inside = columns < torch.tensor([[len(row)] for row in rows])
    return ids, inside & ~torch.isin(ids, torch.tensor(tokenizer.all_special_ids))


def read_blocks(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    block: int,
    length: int,
) -> Iterator[Float[Tensor, "row d_model"]]:
    """A block's outputs at the tokens of the texts, batch by batch, texts of like length together.

    In another order than the texts.
    """
    texts = sorted(texts, key=len)
    for start in range(0, len(texts), DOCUMENT_BATCH):
        ids, inside = tokenized(tokenizer, texts[start : start + DOCUMENT_BATCH], length)
        yield block_output(model, ids, block)[inside.to(model.device)]


# Training


DEAD_AFTER = 100_000
"""Activations without firing after which the auxiliary loss wakes a latent."""
AUXILIARY = 1 / 32


class Training:
    """A SAE and its optimizer, one batch a step, on inputs scaled to a mean norm of √d_in.

    The loss is the squared error, summed over d_in and averaged over the batch, plus `sparsity`
    times the mean sum of the latents' values (L1) or their mean number (JUMPRELU), plus, where
    latents have not fired for DEAD_AFTER activations, what is left of the error when the likeliest
    of them reconstruct it (Gao et al., 2024, appendix A.2). The rows of W_dec keep norm 1: what of
    their gradient points along them goes before Adam sees it (Bricken et al., 2023).
    """

    def __init__(
        self,
        first: Float[Tensor, "batch d_in"],
        latents: int,
        activation: str = TOPK,
        k: int | None = None,
        sparsity: float | None = None,
        steps: int = 1000,
        learning_rate: float = 1e-3,
        seed: int = 0,
    ):
        if (activation == TOPK) != (sparsity is None):
            raise ValueError(
                f"sparsity is {sparsity}: give a coefficient for {L1!r} and {JUMPRELU!r}; {TOPK!r} "
                "has none."
            )
        if steps < 1:
            raise ValueError(f"steps is {steps}: give at least 1.")
        d_in = first.shape[-1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.sae = SparseAutoencoder(d_in, latents, activation, k)
        self.scale = first.norm(dim=-1).mean().item() / math.sqrt(d_in)
        self.sae.b_dec.data = first.mean(0) / self.scale
        self.sparsity, self.steps, self.learning_rate = sparsity, steps, learning_rate
        self.optimizer = torch.optim.Adam(self.sae.parameters(), lr=learning_rate, fused=True)
        self.done = 0
        self.idle = torch.zeros(latents, dtype=torch.long)  # activations since each latent fired

    def step(self, batch: Float[Tensor, "batch d_in"]) -> float:
        """One step of Adam; returns the mean squared error before it, as a share of the mean
        squared norm."""
        x = batch / self.scale
        before = self.sae.before(x)
        reconstruction, penalty, fired = _PARTS[self.sae.activation](self.sae, before)
        error = x - reconstruction
        squared = error.square().sum(-1).mean()
        loss = squared if self.sparsity is None else squared + self.sparsity * penalty
        self.idle = torch.where(fired, 0, self.idle + len(x))
        dead = self.idle > DEAD_AFTER
        if dead.any():
            loss = loss + AUXILIARY * _auxiliary(self.sae, before, error.detach(), dead)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.param_groups[0]["lr"] = self.learning_rate * self._factor()
        normalized_step(self.sae.W_dec, self.optimizer)
        if self.sae.activation == JUMPRELU:
            self.sae.threshold.data.clamp_(min=0)
        self.done += 1
        return squared.item() / x.shape[-1]

    def _factor(self) -> float:
        """The learning rate rises over the first twentieth, and falls over the last fifth."""
        return min(1.0, 20 * (self.done + 1) / self.steps, 5 * (1 - self.done / self.steps))

    def finished(self) -> SparseAutoencoder:
        """A copy for inputs of their own scale, frozen."""
        import copy

        return copy.deepcopy(self.sae).rescaled(self.scale).requires_grad_(False)

    def state(self) -> dict:
        return {
            "sae": self.sae.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "idle": self.idle,
            "done": self.done,
            "scale": self.scale,
        }

    def resume(self, state: dict) -> None:
        self.sae.load_state_dict(state["sae"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.idle, self.done, self.scale = state["idle"], state["done"], state["scale"]


def _sum_of_values(sae: SparseAutoencoder, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    features = before.relu()
    return sae.decode(features), features.sum(-1).mean(), features.detach().amax(0) > 0


def _top_k_alone(sae: SparseAutoencoder, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The decoder's rows that are wanted, and no others: a small part of a dense product."""
    values, latents = before.topk(sae.k, dim=-1, sorted=False)
    values = values.relu()
    fired = torch.zeros(sae.d_sae, dtype=torch.bool)
    fired[latents[values > 0]] = True
    return _weighted(sae.W_dec, latents, values) + sae.b_dec, before.new_zeros(()), fired


def _number_of_latents(sae: SparseAutoencoder, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    features = _jump_relu(sae, before)
    count = _Count.apply(before.relu(), sae.threshold).sum(-1).mean()
    return sae.decode(features), count, (features > 0).any(0)


# Of what comes before the activation: reconstruction, penalty, which latents fired
_PARTS = {L1: _sum_of_values, TOPK: _top_k_alone, JUMPRELU: _number_of_latents}


def _weighted(
    rows: Float[Tensor, "n d"], chosen: Int[Tensor, "batch k"], weights: Float[Tensor, "batch k"]
) -> Float[Tensor, "batch d"]:
    """The chosen rows, weighted and added up."""
    return F.embedding_bag(chosen, rows, per_sample_weights=weights, mode="sum")


def _auxiliary(
    sae: SparseAutoencoder,
    before: Float[Tensor, "batch d_sae"],
    error: Float[Tensor, "batch d_in"],
    dead: Bool[Tensor, " d_sae"],
) -> Float[Tensor, ""]:
    """The squared error of the error's reconstruction by dead latents, at most d_in / 2 of them a
    row, and less of it where there are few."""
    most = sae.d_in // 2
    count = int(dead.sum())
    values, latents = before[:, dead].topk(min(most, count), dim=-1, sorted=False)
    rest = error - _weighted(sae.W_dec[dead], latents, values)
    return min(1.0, count / most) * rest.square().sum(-1).mean()


def normalized_step(W_dec: nn.Parameter, optimizer: torch.optim.Optimizer) -> None:
    """A step of the optimizer after which the rows of W_dec have norm 1 again.

    The part of each row's gradient that points along the row is taken out first: it would only
    change the norm, and would stay in Adam's averages.
    """
    with torch.no_grad():
        along = (W_dec.grad * W_dec).sum(-1, keepdim=True) / W_dec.square().sum(-1, keepdim=True)
        W_dec.grad -= along * W_dec
        optimizer.step()
        W_dec /= W_dec.norm(dim=-1, keepdim=True)


def train(
    stream: Batches,
    latents: int,
    activation: str = TOPK,
    k: int | None = None,
    sparsity: float | None = None,
    steps: int = 1000,
    learning_rate: float = 1e-3,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    until: int | None = None,
) -> SparseAutoencoder:
    """A SAE trained on `steps` batches of the stream, as `Training` says, with a progress bar.

    With `checkpoint`, a file, it is saved every 200 steps and at the end (step `until`, or the
    last), and the same call goes on from there to the same weights. Raises ValueError for a
    checkpoint of other settings.
    """
    from tqdm.auto import tqdm

    settings = dict(latents=latents, activation=activation, k=k, sparsity=sparsity, steps=steps)
    settings |= dict(learning_rate=learning_rate, seed=seed)
    path = None if checkpoint is None else Path(checkpoint)
    state = _saved_state(path, settings) if path and path.exists() else None
    training = Training(stream.batch(0), **settings)
    if state:
        training.resume(state)

    def save() -> None:
        if path:
            saved = {"settings": settings, "state": training.state()}
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, lambda part: torch.save(saved, part))

    last = steps if until is None else min(until, steps)
    with tqdm(total=steps, initial=training.done, desc=f"SAE ({activation})", unit="step") as bar:
        while training.done < last:
            error = training.step(stream.batch(training.done))
            bar.set_postfix(error=f"{error:.3f}", refresh=False)
            bar.update()
            if training.done % 200 == 0:
                save()
    save()
    return training.finished()


def _saved_state(path: Path, settings: dict) -> dict:
    saved = torch.load(path)
    if saved["settings"] != settings:
        raise ValueError(
            f"{path} is the checkpoint of a training with other settings: name another file, or "
            "delete it to start afresh."
        )
    return saved["state"]


# What a SAE keeps, and what it costs the model


@dataclass(frozen=True)
class Quality:
    """Of a SAE on texts: `l0` latents fire a token, a part `fvu` of the variance is not explained,
    a part `dead` of the latents fires at none of the `tokens`. The losses, in nats a token, are the
    model's own, with the block's output replaced by its mean, and by its reconstruction."""

    tokens: int
    l0: float
    fvu: float
    dead: float
    loss: float
    loss_of_mean: float
    loss_of_reconstruction: float

    @property
    def loss_recovered(self) -> float:
        """0 where the reconstruction is as bad as the mean, 1 where nothing is lost."""
        return (self.loss_of_mean - self.loss_of_reconstruction) / (self.loss_of_mean - self.loss)


def replacing(
    model: PreTrainedModel, block: int, function: Callable[[Tensor], Tensor]
) -> AbstractContextManager:
    """Inside the `with`, what leaves the block is what the function, such as a SAE, makes of it."""
    return edit(model, {("block", block): lambda activation, positions: function(activation)})


@torch.no_grad()
def quality(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    sae: SparseAutoencoder | ITDA,
    block: int,
    texts: Sequence[str],
    length: int = 256,
) -> Quality:
    """Measure a SAE of a block, or an ITDA, on texts: `length` tokens of each, no special ones.

    The variance is that around the mean over these tokens; with the mean, every position is
    replaced. Raises ValueError where the texts have no token that follows another.
    """
    check_evaluating(model)
    texts = sorted(texts, key=len)
    batches = [
        tokenized(tokenizer, texts[i : i + DOCUMENT_BATCH], length)
        for i in range(0, len(texts), DOCUMENT_BATCH)
    ]
    predicted, tokens = (sum(int(i[:, n:].sum()) for _, i in batches) for n in (1, 0))
    if not predicted or tokens < 2:
        raise ValueError("The texts have no two tokens in a row: give longer ones.")
    total = torch.zeros(sae.d_in, dtype=torch.float64)
    count, squares, errors, active = 0, 0.0, 0.0, 0.0
    fired = torch.zeros(sae.d_sae, dtype=torch.bool)
    for ids, inside in batches:
        x = block_output(model, ids, block)[inside.to(model.device)].float().cpu()
        features = sae.encode(x)
        count, total = count + len(x), total + x.double().sum(0)
        squares += x.double().square().sum().item()
        errors += (x - sae.decode(features)).double().square().sum().item()
        active += (features != 0).sum().item()
        fired |= (features != 0).any(0)
    mean = total / count
    ways = (lambda x: x), (lambda x: mean.to(x).expand_as(x)), sae
    losses = [_mean_loss(model, batches, block, way) for way in ways]
    variance = squares - count * mean.square().sum().item()
    return Quality(
        count, active / count, errors / variance, 1 - fired.float().mean().item(), *losses
    )


def _mean_loss(model, batches: list, block: int, way: Callable) -> float:
    """The loss of the tokens behind the first, the block's output replaced as the way says."""
    total, count = 0.0, 0
    for ids, inside in batches:
        with replacing(model, block, way):
            logits = model(input_ids=ids.to(model.device), use_cache=False).logits[:, :-1].cpu()
        wanted = inside[:, 1:]
        logits = logits[wanted].to(torch.promote_types(logits.dtype, torch.float32))
        losses = F.cross_entropy(logits, ids[:, 1:].to(logits.device)[wanted], reduction="sum")
        total, count = total + losses.item(), count + int(wanted.sum())
    return total / count


# A dictionary without training


class ITDA:
    """Activations written with a few other activations: Leask et al., 2025.

    `atoms` are rows of norm 1, each an activation minus `center`; `sources` says which row of the
    activations that `fit` was given each was. `encode` is matching pursuit in `k` steps.
    """

    def __init__(
        self,
        atoms: Float[Tensor, "n d_in"],
        center: Float[Tensor, " d_in"],
        k: int,
        sources: Sequence[int] = (),
    ):
        self.atoms, self.center, self.k, self.sources = atoms, center, k, tuple(sources)

    @classmethod
    def fit(
        cls,
        x: Float[Tensor, "row d_in"],
        k: int,
        tolerance: float,
        most: int | None = None,
        together: int = 64,
    ) -> ITDA:
        """Go once over the rows, `together` at a time, and take in those of which matching pursuit
        with what is there leaves more than `tolerance` of the squared norm; at most `most`.

        Raises ValueError for a tolerance outside 0 to 1 and where there are no rows.
        """
        if not 0 <= tolerance < 1:
            raise ValueError(f"tolerance is {tolerance}: give a share from 0 to below 1.")
        if not len(x):
            raise ValueError("There are no activations: give at least one row.")
        center = x.mean(0)
        found = cls(x[:0], center, k)
        for start in range(0, len(x), together):
            rows = x[start : start + together] - center
            left = rows - found.decode(found.encode(rows + center)) + center
            share = left.square().sum(-1) / rows.square().sum(-1).clamp(min=1e-12)
            new = (share > tolerance).nonzero()[:, 0]
            new = new[: None if most is None else most - len(found.atoms)]
            atoms = torch.cat([found.atoms, F.normalize(rows[new], dim=-1)])
            found = cls(atoms, center, k, [*found.sources, *(start + new).tolist()])
        return found

    @property
    def d_in(self) -> int:
        return self.atoms.shape[1]

    @property
    def d_sae(self) -> int:
        return self.atoms.shape[0]

    def encode(self, x: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows n"]:
        rows = (x - self.center).reshape(-1, self.d_in)
        k = min(self.k, self.d_sae)
        return matching_pursuit(rows, self.atoms, k).reshape(*x.shape[:-1], self.d_sae)

    def decode(self, coefficients: Float[Tensor, "*rows n"]) -> Float[Tensor, "*rows d_in"]:
        return coefficients @ self.atoms + self.center

    def __call__(self, x: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_in"]:
        return self.decode(self.encode(x.to(self.atoms))).to(x)


def matching_pursuit(
    x: Float[Tensor, "batch d"], atoms: Float[Tensor, "n d"], k: int
) -> Float[Tensor, "batch n"]:
    """Coefficients of each row in `k` greedy steps (Mallat and Zhang, 1993).

    Each step takes the atom whose inner product with what is left is largest in size, adds that
    product to the atom's coefficient and takes so much of the atom away. Atoms have norm 1.
    """
    left, coefficients = x, x.new_zeros(len(x), len(atoms))
    for _ in range(k):
        products = left @ atoms.T
        best = products.abs().argmax(-1, keepdim=True)
        amount = products.gather(-1, best)
        coefficients = coefficients.scatter_add(-1, best, amount)
        left = left - amount * atoms[best[:, 0]]
    return coefficients


def jaccard(one: Iterable, other: Iterable) -> float:
    """Of all that is in one of two sets, the share that is in both; 1 for two empty sets."""
    one, other = set(one), set(other)
    return len(one & other) / len(one | other) if one | other else 1.0


# Reading latents


@dataclass(frozen=True, eq=False)
class Firings:
    """Which latents fire at which tokens of some texts, the strongest `most` at each token.

    `texts[i]` is cut into `tokens[i]`; padding and special tokens have values of 0.
    """

    texts: list[str]
    tokens: list[list[str]]
    lengths: Int[Tensor, " doc"]
    values: Float[Tensor, "doc pos most"]
    latents: Int[Tensor, "doc pos most"]

    def of(self, latent: int) -> Float[Tensor, "doc pos"]:
        """The activations of one latent."""
        return (self.values * (self.latents == latent)).sum(-1)

    def counts(self, d_sae: int) -> Int[Tensor, " d_sae"]:
        """At how many tokens each latent fires."""
        return torch.bincount(self.latents[self.values > 0], minlength=d_sae)


@torch.no_grad()
def firings(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    sae: SparseAutoencoder,
    block: int,
    texts: Sequence[str],
    length: int = 256,
    most: int = 32,
) -> Firings:
    """Read texts with a SAE. Memory: 12 bytes for each of the `most` latents of a token."""
    ids, inside = tokenized(tokenizer, texts, length)
    most = min(most, sae.k or sae.d_sae)
    values = torch.zeros(*ids.shape, most)
    latents = torch.zeros(*ids.shape, most, dtype=torch.long)
    for start in range(0, len(ids), DOCUMENT_BATCH):
        part = slice(start, start + DOCUMENT_BATCH)
        features = sae.encode(block_output(model, ids[part], block))
        top = features.topk(most, dim=-1)
        values[part], latents[part] = top.values.cpu(), top.indices.cpu()
    values *= inside[..., None]
    lengths = torch.tensor([len(tokenizer(text)["input_ids"][:length]) for text in texts])
    tokens = [
        [tokenizer.decode([token]) for token in row[:n].tolist()]
        for row, n in zip(ids, lengths.tolist(), strict=True)
    ]
    return Firings(list(texts), tokens, lengths, values, latents)


@torch.no_grad()
def logit_effect(
    model: PreTrainedModel, direction: Float[Tensor, " d_model"]
) -> Float[Tensor, " vocab"]:
    """The logits of a direction alone, through the final norm: which tokens it speaks for by the
    direct path, whatever the later blocks do."""
    return anatomy(model).unembed(direction.to(model.device, model.dtype)).float().cpu()


@dataclass(frozen=True)
class Detection:
    """How well a latent that fires tells where a concept is. All three from 0 to 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def detections(
    found: Firings, concept: Bool[Tensor, "doc pos"], d_sae: int
) -> tuple[Float[Tensor, " d_sae"], Float[Tensor, " d_sae"]]:
    """Of every latent the precision and the recall: how many of its firings are on the concept's
    tokens, and at how many of these tokens it fires. A latent that never fires has precision 0."""
    on = concept[..., None] & (found.values > 0)
    hits = torch.bincount(found.latents[on], minlength=d_sae).float()
    fired = found.counts(d_sae).float()
    return hits / fired.clamp(min=1), hits / concept.sum().clamp(min=1)


# What the notebook builds by hand


def toy_loss(
    x: Float[Tensor, "*model batch n"],
    W: Float[Tensor, "*model m n"],
    b: Float[Tensor, "*model n"],
    importance: Float[Tensor, "*model n"],
) -> Float[Tensor, "*model"]:
    """Mean over the batch of Σ_i importance_i (x_i - ReLU(Wᵀ W x + b)_i)²: Elhage et al., 2022."""
    hidden = x @ W.mT
    reconstruction = (hidden @ W + b.unsqueeze(-2)).relu()
    return (importance.unsqueeze(-2) * (x - reconstruction).square()).sum(-1).mean(-1)


Labels = Int[Tensor, " row"]
Predict = Callable[[Float[Tensor, "row d"]], Labels]


def ridge_scores(
    x: Float[Tensor, "row d"], y: Labels, penalty: float = 1e-3
) -> Callable[[Float[Tensor, "row d"]], Float[Tensor, "row class"]]:
    """Least squares on the classes; of other rows how much each speaks for each class.

    `penalty` is in units of the mean variance of x.
    """
    mean = x.double().mean(0)
    centered, targets = x.double() - mean, F.one_hot(y.long()).double()
    square = centered.T @ centered
    square += penalty * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
    W = torch.linalg.solve(square, centered.T @ (targets - targets.mean(0)))
    return lambda rows: (rows.double() - mean) @ W + targets.mean(0)


def ridge_probe(x: Float[Tensor, "row d"], y: Labels, penalty: float = 1e-3) -> Predict:
    """A linear classifier by `ridge_scores`: what it says of other rows."""
    scores = ridge_scores(x, y, penalty)
    return lambda rows: scores(rows).argmax(-1)


def selectivity(
    fit: Callable[[Tensor, Labels], Predict],
    x: Float[Tensor, "row d"],
    y: Labels,
    types: Labels,
    x_test: Float[Tensor, "test d"],
    y_test: Labels,
    types_test: Labels,
    seed: int = 0,
) -> dict[str, float]:
    """Accuracy of a probe, of its control task, and the difference: Hewitt and Liang, 2019.

    The control task gives each type a label drawn from y, the same one in training and test.
    """
    generator = torch.Generator().manual_seed(seed)
    n_types = int(max(types.max(), types_test.max())) + 1
    drawn = y[torch.randint(len(y), (n_types,), generator=generator)]
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    control = (fit(x, drawn[types])(x_test) == drawn[types_test]).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}


def sae_forward(
    x: Float[Tensor, "batch d_in"],
    W_enc: Float[Tensor, "d_in d_sae"],
    b_enc: Float[Tensor, " d_sae"],
    W_dec: Float[Tensor, "d_sae d_in"],
    b_dec: Float[Tensor, " d_in"],
    sparsity: float,
) -> tuple[Float[Tensor, "batch d_sae"], Float[Tensor, "batch d_in"], Float[Tensor, ""]]:
    """Features, reconstruction, and the loss of the L1 form: the mean over the batch of the
    squared error plus `sparsity` times the sum of the features."""
    features = ((x - b_dec) @ W_enc + b_enc).relu()
    reconstruction = features @ W_dec + b_dec
    squared = (x - reconstruction).square().sum(-1)
    return features, reconstruction, (squared + sparsity * features.sum(-1)).mean()


@torch.no_grad()
def sae_metrics(
    model: PreTrainedModel, input_ids: Int[Tensor, "batch pos"], block: int, sae
) -> dict[str, float]:
    """`l0`, `fvu` and `loss_recovered` of a SAE (`encode`, `decode`) at a block's output, on ids
    without padding."""
    x = block_output(model, input_ids, block)
    features = sae.encode(x)
    mean = x.mean((0, 1))
    inside = torch.ones_like(input_ids, dtype=torch.bool)
    clean, ablated, replaced = (
        _mean_loss(model, [(input_ids, inside)], block, way)
        for way in (lambda x: x, lambda x: mean.expand_as(x), lambda x: sae.decode(sae.encode(x)))
    )
    errors = (x - sae.decode(features)).square().sum()
    return {
        "l0": (features != 0).sum(-1).double().mean().item(),
        "fvu": (errors / (x - mean).square().sum()).item(),
        "loss_recovered": (ablated - replaced) / (ablated - clean),
    }


def top_contexts(
    activations: Float[Tensor, "doc pos"], lengths: Int[Tensor, " doc"], k: int, width: int
) -> list[tuple[int, int, int, int]]:
    """The k strongest places of a latent, as (document, position, start, stop), strongest first.

    Of a document its strongest place alone, of equal ones the first; none where the latent does
    not fire. The context is `width` tokens on both sides, as far as the document goes: padding,
    from `lengths` on, does not count.
    """
    columns = torch.arange(activations.shape[1])
    inside = columns < lengths[:, None]
    best = activations.masked_fill(~inside, 0.0).max(dim=1)
    strongest = best.values.sort(descending=True, stable=True).indices[:k].tolist()
    return [
        (doc, pos, max(0, pos - width), min(int(lengths[doc]), pos + width + 1))
        for doc in strongest
        if best.values[doc] > 0
        for pos in [int(best.indices[doc])]
    ]


def dark_matter(
    x: Float[Tensor, "row d"],
    error: Float[Tensor, "row d"],
    x_test: Float[Tensor, "test d"],
    error_test: Float[Tensor, "test d"],
) -> tuple[float, float]:
    """How much of the error, and of its norm, an affine map of x predicts on rows that it was not
    fitted to: 1 - squared error / squared deviation from the mean of the test rows
    (Engels et al., 2024)."""
    norms, norms_test = error.norm(dim=-1, keepdim=True), error_test.norm(dim=-1, keepdim=True)
    return tuple(
        _predicted(x, y, x_test, y_test) for y, y_test in ((error, error_test), (norms, norms_test))
    )


def _predicted(x: Tensor, y: Tensor, x_test: Tensor, y_test: Tensor) -> float:
    def extended(rows: Tensor) -> Tensor:
        return torch.cat([rows, rows.new_ones(len(rows), 1)], dim=-1).double()

    W = torch.linalg.lstsq(extended(x), y.double()).solution
    left = (y_test.double() - extended(x_test) @ W).square().sum()
    return 1 - (left / (y_test.double() - y_test.double().mean(0)).square().sum()).item()
