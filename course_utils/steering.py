"""Steering: add a direction to the residual stream while a model reads and writes.

    vector = caa(model, tokenizer, pairs, block=3)
    with vector.apply(model, strength=2.0):
        model.generate(**inputs)

A vector is read where it is added: at the output of a block, the last one before the final norm.
What the notebook on steering builds by hand stands at the end.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from .anatomy import anatomy
from .course_lm import FOLDER
from .hooks import EditFunction, edit, record
from .models import BUNDLED

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

EVERYWHERE = "everywhere"
"""At every position, of the prompt and of what is written."""
FIRST_POSITIONS = "first positions"
"""Row i of the vector at position i of the prompt: in prefill only."""
FROM_LAST = "from the last prompt token"
"""At the last token of the prompt and at every later position."""
BATCH = 32
PUNCTUATION = '.,!?":;'


@dataclass(frozen=True, eq=False)
class SteeringVector:
    """A direction for each of its blocks, where to add it, and what it was made from.

    `positions` is EVERYWHERE, FIRST_POSITIONS (then a vector has a row for each position) or
    FROM_LAST. `model` is the model's name, `fingerprint` that of its weights.
    """

    vectors: dict[int, Float[Tensor, "*pos d_model"]]
    positions: str
    method: str
    prompts: tuple
    model: str
    fingerprint: str

    def __post_init__(self) -> None:
        if not self.vectors:
            raise ValueError("A steering vector without blocks: give block a number, or several.")
        if self.positions not in _EDITORS:
            known = ", ".join(map(repr, _EDITORS))
            raise ValueError(f"positions is {self.positions!r}: give one of {known}.")

    @property
    def blocks(self) -> list[int]:
        return sorted(self.vectors)

    def at(self, block: int) -> SteeringVector:
        """The same for one of its blocks alone. Raises ValueError if it is none of them."""
        if block not in self.vectors:
            raise ValueError(f"The vector has no block {block}: its blocks are {self.blocks}.")
        return replace(self, vectors={block: self.vectors[block]})

    @contextmanager
    def apply(
        self,
        model: PreTrainedModel,
        strength: float = 1.0,
        prompt_tokens: int | Sequence[int] | None = None,
    ) -> Iterator[None]:
        """Inside the `with`, `strength` times the vector is added at the output of its blocks.

        For bare forward passes and for `generate`, with padding on either side (told by the
        attention mask). A pass of several tokens counts as a prompt, unless `prompt_tokens` says
        how many tokens of each row (or of all) are the prompt: to score a completion in one pass,
        to prefill in chunks, to go without a cache. Every `with` adds its own: of nested ones the
        sum. Afterwards no hook of ours is left.
        Raises ValueError for a model whose width, blocks or weights are not those of the vector
        (a load in float16 of weights stored otherwise counts as other weights), for a strength
        that is not finite, and, from the forward pass, for a prompt shorter than the vector or
        already in the cache (FIRST_POSITIONS), and where prompt and continuation cannot be told
        apart: a second chunk, or `use_cache=False` (FROM_LAST).
        """
        self._refuse_other(model)
        if not math.isfinite(strength):
            raise ValueError(f"strength is {strength}: give a finite number.")
        passes = _Passes(max(map(len, self.vectors.values())), _counts(prompt_tokens))
        edits = {
            ("block", block): _EDITORS[self.positions](strength * vector, passes)
            for block, vector in self.vectors.items()
        }
        look = _LOOKS.get(self.positions)
        with _entering(model, passes, look) if look else nullcontext():
            with edit(model, edits):
                yield

    def __add__(self, other: SteeringVector) -> SteeringVector:
        """Both at once. Raises ValueError where they do not fit each other."""
        return self._joined(other, "sum", lambda a, b: a + b)

    def slerp(self, other: SteeringVector, t: float) -> SteeringVector:
        """The direction between the two on the sphere, see `slerp`.

        Raises ValueError where the two do not fit each other, and as `slerp`.
        """
        return self._joined(other, f"slerp at {t:g}", lambda a, b: slerp(a, b, t))

    def save(self, path: str | Path) -> None:
        """Write a safetensors file: a tensor a block, the rest as metadata."""
        from safetensors.torch import save_file

        about = {"positions": self.positions, "method": self.method, "prompts": self.prompts}
        about |= {"model": self.model, "fingerprint": self.fingerprint}
        tensors = {f"block.{i}": v.contiguous() for i, v in self.vectors.items()}
        save_file(tensors, path, metadata={"steering_vector": json.dumps(about)})

    @classmethod
    def load(cls, path: str | Path) -> SteeringVector:
        """What `save` wrote. Raises ValueError for a file that holds something else."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                about = (file.metadata() or {}).get("steering_vector", "{}")
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except SafetensorError as error:
            raise ValueError(f"{path} is no safetensors file ({error}): give another.") from None
        try:
            vectors = {int(name.removeprefix("block.")): v for name, v in tensors.items()}
            about = json.loads(about)
            return cls(vectors, **about | {"prompts": _tuples(about["prompts"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} holds no steering vector ({error}): give a file that save wrote."
            ) from None

    def _refuse_other(self, model: PreTrainedModel) -> None:
        width, n_blocks = model.config.get_text_config().hidden_size, len(anatomy(model).blocks)
        vector = next(iter(self.vectors.values()))
        if vector.shape[-1] != width:
            raise ValueError(
                f"The vector is {vector.shape[-1]} wide and was made on {self.model}; this model's "
                f"residual stream is {width} wide: make a vector on this model."
            )
        if max(self.blocks) >= n_blocks:
            raise ValueError(
                f"The vector is for block {max(self.blocks)}; this model's blocks are 0 to "
                f"{n_blocks - 1}: make a vector on this model."
            )
        if fingerprint(model) != self.fingerprint:
            raise ValueError(
                f"The vector was made on {self.model}, and this model ({model_name(model)}) has "
                "other weights: make a vector on this model."
            )

    def _joined(self, other: SteeringVector, how: str, join: Callable) -> SteeringVector:
        for what in ("fingerprint", "blocks", "positions"):
            if getattr(self, what) != getattr(other, what):
                one, two = (f"{getattr(x, what)} ({x.method})" for x in (self, other))
                raise ValueError(
                    f"Two vectors of another {what}, {one} and {two}, do not join: nest their "
                    "apply, or make both in one way on one model."
                )
        shapes = [[list(x.vectors[i].shape) for i in self.blocks] for x in (self, other)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"Vectors of shape {shapes[0]} and {shapes[1]} do not join: nest their apply."
            )
        return replace(
            self,
            vectors={i: join(self.vectors[i], other.vectors[i]) for i in self.blocks},
            method=f"{how} of {self.method} and {other.method}",
            prompts=(self.prompts, other.prompts),
        )


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


# Where a vector is added


class _Passes:
    """Of the pass that runs, each row's first token and where its prompt ends, as columns of it;
    of the one before, what tells a prompt from what was written."""

    first: Int[Tensor, "batch 1"] | int = 0
    last: Int[Tensor, "batch 1"] | int = 0
    started = False  # a prompt was seen from its first token on
    before: Int[Tensor, "batch pos"] | None = None

    def __init__(self, longest: int = 0, prompt_tokens: Int[Tensor, " batch"] | None = None):
        self.longest, self.prompt_tokens = longest, prompt_tokens


class _Given(NamedTuple):
    """What the decoder is given in a pass."""

    tokens: Int[Tensor, "batch pos"] | Float[Tensor, "batch pos d_model"]
    real: Bool[Tensor, "batch pos"] | None  # None: no token is padding
    cached: int  # tokens
    keeps_cache: bool

    @property
    def length(self) -> int:
        return self.tokens.shape[1]


def _counts(prompt_tokens: int | Sequence[int] | None) -> Int[Tensor, " batch"] | None:
    if prompt_tokens is None:
        return None
    counts = torch.as_tensor(prompt_tokens).reshape(-1)
    if counts.is_floating_point() or not len(counts) or counts.min() < 1:
        raise ValueError(
            f"prompt_tokens is {prompt_tokens}: give the number of tokens of the prompt, at least "
            "1, or one number for each row of the batch."
        )
    return counts


@contextmanager
def _entering(model, passes: _Passes, look: Callable) -> Iterator[None]:
    """`look` sees what the decoder is given, before any block runs."""

    def enter(decoder: nn.Module, args: tuple, kwargs: dict) -> None:
        tokens = args[0] if args else kwargs.get("input_ids")
        tokens = kwargs["inputs_embeds"] if tokens is None else tokens
        cache = kwargs.get("past_key_values")
        cached = 0 if cache is None else int(cache.get_seq_length())
        real = _real(kwargs.get("attention_mask"), tokens.shape[1], cached)
        if not cached:
            passes.started = True
            passes.first = 0 if real is None else real.int().argmax(-1, keepdim=True)
        look(passes, _Given(tokens, real, cached, kwargs.get("use_cache") is not False))

    handle = anatomy(model).decoder.register_forward_pre_hook(enter, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def _real(mask, length: int, cached: int) -> Bool[Tensor, "batch pos"] | None:
    """Which tokens of the pass are no padding, by the mask in any form that `generate` makes.

    A mask of four dimensions, or a dict of them by kind of layer, is true (or 0) where a query
    sees a key: padding does not see itself.
    """
    if isinstance(mask, dict):
        mask = mask.get("full_attention", next(iter(mask.values())))
    if mask is None or (cached and length == 1):
        return None
    if isinstance(mask, Tensor) and mask.dim() == 2:
        return mask[:, -length:].bool()
    columns = torch.arange(length)
    if not isinstance(mask, Tensor) or mask.dim() != 4 or cached + length > mask.shape[-1]:
        raise ValueError(
            "Where padding is cannot be read from this attention mask: give the mask of "
            "the tokenizer, [batch, pos]."
        )
    seen = mask[:, 0, columns, cached + columns]
    return seen if seen.dtype == torch.bool else seen == 0


def _look_for_first(passes: _Passes, given: _Given) -> None:
    if given.cached and given.length > 1 and not passes.started:
        raise ValueError(
            f"The cache already holds the prompt's first {given.cached} tokens, where the vector "
            "would be added: run the prompt inside apply."
        )
    if given.cached:
        return
    length = given.length if given.real is None else int(given.real.sum(-1).min())
    if passes.prompt_tokens is not None:
        length = int(passes.prompt_tokens.min())
    if length < passes.longest:
        raise ValueError(
            f"The prompt has {length} tokens and the vector {passes.longest}: give a prompt at "
            "least as long, or make the vector from shorter prompts."
        )


def _look_for_last(passes: _Passes, given: _Given) -> None:
    if passes.prompt_tokens is not None:
        passes.last = passes.first + _ends(passes.prompt_tokens, given) - given.cached
        return
    before, passes.before = passes.before, given.tokens
    if given.cached and given.length > 1 and passes.started:
        raise ValueError(
            f"{given.length} tokens behind {given.cached} in the cache: are they prompt or "
            "written? Give apply prompt_tokens, the number of tokens of the prompt."
        )
    grown = not given.keeps_cache and before is not None and before.shape[1] == given.length - 1
    if grown and torch.equal(before, given.tokens[:, :-1]):
        raise ValueError(
            "Without a cache a prompt cannot be told from what was written: leave out "
            "use_cache=False, or give apply prompt_tokens, the number of tokens of the prompt."
        )
    columns = torch.arange(given.length, device=given.tokens.device)
    passes.last = given.length - 1
    if given.real is not None:
        passes.last = (given.real.int() * columns).argmax(-1, keepdim=True)


def _ends(prompt_tokens: Int[Tensor, " batch"], given: _Given) -> Int[Tensor, "batch 1"]:
    rows = len(given.tokens)
    if len(prompt_tokens) not in (1, rows):
        raise ValueError(
            f"prompt_tokens has {len(prompt_tokens)} numbers and the batch {rows} rows (beams "
            "count): give one number, or one for each row."
        )
    return prompt_tokens.to(given.tokens.device)[:, None] - 1


def _everywhere(vector: Tensor, passes: _Passes) -> EditFunction:
    return lambda activation, positions: activation + vector.to(activation)


def _first_positions(vector: Tensor, passes: _Passes) -> EditFunction:
    def add(activation: Tensor, positions: Tensor) -> Tensor:
        row = positions - passes.first  # of the vector, for each column
        inside = (row >= 0) & (row < len(vector))
        added = vector.to(activation)[row.clamp(0, len(vector) - 1)]
        return activation + added * inside[..., None]

    return add


def _from_last(vector: Tensor, passes: _Passes) -> EditFunction:
    def add(activation: Tensor, positions: Tensor) -> Tensor:
        later = torch.arange(len(positions), device=positions.device) >= passes.last
        return activation + vector.to(activation) * later[..., None]

    return add


_EDITORS = {EVERYWHERE: _everywhere, FIRST_POSITIONS: _first_positions, FROM_LAST: _from_last}
_LOOKS = {FIRST_POSITIONS: _look_for_first, FROM_LAST: _look_for_last}


# Making vectors


def actadd(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    positive: str,
    negative: str,
    block: int | Sequence[int],
) -> SteeringVector:
    """Activation addition of one pair of prompts: Algorithm 1 of Turner et al., 2023.

    The shorter prompt is padded on the right with the space token, which is not masked. The
    vector has a row for each position; it is added at the first positions of a prompt, in prefill.
    Raises ValueError for a tokenizer without a space token.
    """
    ids = torch.tensor(aligned(tokenizer, positive, negative), device=model.device)
    blocks = _blocks(block)
    outputs = _outputs(model, blocks, ids, torch.ones_like(ids))
    vectors = {i: x[0] - x[1] for i, x in outputs.items()}
    return _made(model, vectors, FIRST_POSITIONS, "actadd", ((positive, negative),))


def aligned(
    tokenizer: PreTrainedTokenizerBase, positive: str, negative: str
) -> tuple[list[int], list[int]]:
    """The ids of two prompts, the shorter one followed by space tokens up to the same length.

    Raises ValueError for a tokenizer in which a space is not one token.
    """
    space = tokenizer(" ", add_special_tokens=False)["input_ids"]
    if len(space) != 1:
        raise ValueError(f"This tokenizer writes a space as {len(space)} tokens: one is needed.")
    ids = [tokenizer(prompt)["input_ids"] for prompt in (positive, negative)]
    length = max(map(len, ids))
    return tuple(row + space * (length - len(row)) for row in ids)


def caa(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[tuple[str, str, str]],
    block: int | Sequence[int],
) -> SteeringVector:
    """Contrastive activation addition: Panickssery et al., 2024.

    Of (prompt, positive completion, negative completion) the mean difference at the completion's
    last token; added at the last prompt token and every later position.
    Raises ValueError without pairs.
    """
    if not pairs:
        raise ValueError("No pairs: give at least one (prompt, positive, negative).")
    return replace(
        concept(
            model,
            tokenizer,
            [prompt + positive for prompt, positive, _ in pairs],
            [prompt + negative for prompt, _, negative in pairs],
            block,
        ),
        positions=FROM_LAST,
        method="caa",
        prompts=tuple(map(tuple, pairs)),
    )


def concept(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    positives: Sequence[str],
    negatives: Sequence[str],
    block: int | Sequence[int],
    position: str = "last",
) -> SteeringVector:
    """Mean activation of texts with a concept minus that of texts without; added everywhere.

    Of each text the last token counts, or with position "mean" the mean of its tokens behind the
    first: that one has nothing before it, begins every text alike in many models, and draws
    attention (Xiao et al., 2024), so that its activation would outweigh the others.
    Raises ValueError for another position, no block, no texts, or a text without tokens.
    """
    if position not in _READINGS:
        raise ValueError(f"position is {position!r}: give 'last' or 'mean'.")
    if isinstance(positives, str) or isinstance(negatives, str) or not (positives and negatives):
        raise ValueError("positives and negatives are lists of texts: give at least one of each.")
    means = [
        _means(model, tokenizer, texts, _blocks(block), position)
        for texts in (positives, negatives)
    ]
    vectors = {i: means[0][i] - means[1][i] for i in means[0]}
    prompts = (tuple(positives), tuple(negatives))
    return _made(model, vectors, EVERYWHERE, f"concept, {position} token", prompts)


def random_like(vector: SteeringVector, seed: int) -> SteeringVector:
    """A control: random directions, each position's of the norm that it has in `vector`."""
    generator = torch.Generator().manual_seed(seed)
    vectors = {}
    for i in vector.blocks:
        norm = vector.vectors[i].norm(dim=-1, keepdim=True)
        drawn = torch.randn(vector.vectors[i].shape, generator=generator)
        vectors[i] = drawn / drawn.norm(dim=-1, keepdim=True) * norm
    return replace(vector, vectors=vectors, method=f"random (seed {seed}) like {vector.method}")


def fingerprint(model: nn.Module) -> str:
    """A hash of 16 values of every parameter, in bfloat16.

    The same for a model loaded in float32 or bfloat16, and in float16 where its file is in
    float16. A change of a few weights may escape it.
    """
    parameters = dict(model.named_parameters())
    shapes = [(name, tuple(p.shape)) for name, p in parameters.items()]
    some = [p.detach().reshape(-1)[:: max(1, p.numel() // 16)][:16] for p in parameters.values()]
    values = torch.cat([x.to("cpu") for x in some]).to(torch.bfloat16).view(torch.int16)
    return hashlib.sha256(repr(shapes).encode() + values.numpy().tobytes()).hexdigest()


def model_name(model: PreTrainedModel) -> str:
    """The model's Hub id, its folder's name, or "course-lm"."""
    name = getattr(model.config, "name_or_path", "") or type(model).__name__
    if name == str(FOLDER):
        return BUNDLED
    return Path(name).name if Path(name).is_absolute() else name


def _made(
    model, vectors: dict[int, Tensor], positions: str, method: str, prompts: tuple
) -> SteeringVector:
    vectors = {i: v.float().cpu() for i, v in vectors.items()}
    return SteeringVector(
        vectors, positions, method, prompts, model_name(model), fingerprint(model)
    )


def _blocks(block: int | Sequence[int]) -> list[int]:
    blocks = list(block) if isinstance(block, Iterable) else [block]
    if not blocks:
        raise ValueError(f"block is {block}: give a number, or several.")
    return blocks


@torch.no_grad()
def _outputs(
    model, blocks: list[int], ids: Int[Tensor, "batch pos"], mask: Int[Tensor, "batch pos"]
) -> dict[int, Float[Tensor, "batch pos d_model"]]:
    with record(model, [("block", i) for i in blocks]) as activations:
        model(input_ids=ids, attention_mask=mask, use_cache=False)
    return {i: activations["block", i].float() for i in blocks}


def _means(
    model, tokenizer, texts: Sequence[str], blocks: list[int], position: str
) -> dict[int, Float[Tensor, " d_model"]]:
    """The mean over texts of the activation at their last token, or of their mean."""
    sums = dict.fromkeys(blocks, 0.0)
    for start in range(0, len(texts), BATCH):
        ids, mask = _batch(model, tokenizer, texts[start : start + BATCH])
        lengths = mask.sum(-1)
        if not lengths.all():
            raise ValueError("One of the texts has no tokens: leave it out.")
        for i, x in _outputs(model, blocks, ids, mask).items():
            rows = [row[:n] for row, n in zip(x, lengths.tolist(), strict=True)]
            sums[i] = sums[i] + sum(_READINGS[position](row) for row in rows)
    return {i: total / len(texts) for i, total in sums.items()}


_READINGS = {"last": lambda row: row[-1], "mean": lambda row: row[min(1, len(row) - 1) :].mean(0)}


def _batch(
    model, tokenizer, texts: Sequence[str]
) -> tuple[Int[Tensor, "batch pos"], Int[Tensor, "batch pos"]]:
    """Ids and mask, padded on the right; the tokenizer needs no padding token."""
    rows = [torch.tensor(tokenizer(text)["input_ids"], dtype=torch.long) for text in texts]
    columns = (rows, [torch.ones_like(row) for row in rows])
    ids, mask = (pad_sequence(column, batch_first=True).to(model.device) for column in columns)
    return ids, mask


@torch.no_grad()
def perplexity_of(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    texts: Sequence[str],
) -> float:
    """exp of the mean loss over the tokens of `texts`, each text read behind its prompt.

    Of the texts as the tokenizer cuts them: a model may have sampled other tokens that spell the
    same, and an end token is not counted. Of the model as it is: measure steered texts outside
    `apply`. NaN where no text has a token.
    """
    total, count = 0.0, 0
    for start in range(0, len(texts), BATCH):
        pairs = list(zip(prompts, texts, strict=True))[start : start + BATCH]
        ids, mask = _batch(model, tokenizer, [prompt + text for prompt, text in pairs])
        begins = [len(tokenizer(prompt)["input_ids"]) for prompt, _ in pairs]
        begins = torch.tensor(begins, device=model.device)
        columns = torch.arange(1, ids.shape[1], device=model.device)
        counted = (columns >= begins[:, None]) & mask[:, 1:].bool()
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        targets = ids[:, 1:][counted]
        losses = nn.functional.cross_entropy(
            logits[:, :-1][counted].float(), targets, reduction="sum"
        )
        total += losses.item()
        count += len(targets)
    return math.exp(total / count) if count else math.nan


# What the notebook builds by hand


def last_token_vector(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    positive: str,
    negative: str,
    layer: int,
) -> Float[Tensor, " d_model"]:
    """The last token of `positive` minus that of `negative`, at the output of block `layer`."""
    return concept(model, tokenizer, [positive], [negative], layer).vectors[layer]


def steering_hook(vector: Float[Tensor, " d_model"], strength: float) -> Callable:
    """A forward hook for a block: adds `strength` times `vector` at every position of every row.

    Whether the block returns a tensor or a tuple that begins with one; in that tensor's dtype.
    """

    def hook(block: nn.Module, args: tuple, output: Tensor | tuple) -> Tensor | tuple:
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden + (strength * vector).to(hidden)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    return hook


class LLMSteering:
    """Generate with a steering vector made from two prompts; outside `generate` nothing changes."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase):
        self.model, self.tokenizer = model, tokenizer
        self.vector: SteeringVector | None = None
        self.strength = 1.0

    def set_steering(
        self, positive_prompt: str, negative_prompt: str, layer: int, strength: float = 1.0
    ) -> None:
        """From now on, `strength` times the difference of the prompts' last tokens is added at
        the output of block `layer`, at every position. Takes the place of what was set before."""
        self.vector = concept(
            self.model, self.tokenizer, [positive_prompt], [negative_prompt], layer
        )
        self.strength = strength

    def remove_steering(self) -> None:
        self.vector = None

    def generate(self, prompt: str, max_new_tokens: int = 50, **kwargs) -> str:
        """The prompt and its continuation; `kwargs` go to `model.generate`."""
        inputs = self.tokenizer(prompt, return_tensors="pt").to(self.model.device)
        steering = self.vector.apply(self.model, self.strength) if self.vector else nullcontext()
        with steering:
            ids = self.model.generate(**inputs, max_new_tokens=max_new_tokens, **kwargs)
        return self.tokenizer.decode(ids[0], skip_special_tokens=True)


def actadd_edit(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    positive: str,
    negative: str,
    layer: int,
    strength: float,
) -> EditFunction:
    """An edit of `("block", layer)` that adds the ActAdd vector at the first positions.

    For prompts without padding. Raises ValueError as `actadd`, and from the forward pass for a
    prompt shorter than the vector.
    """
    vector = strength * actadd(model, tokenizer, positive, negative, layer).vectors[layer]
    add = _first_positions(vector, _Passes())

    def checked(activation: Tensor, positions: Tensor) -> Tensor:
        if positions[0] == 0 and len(positions) < len(vector):
            raise ValueError(f"{len(positions)} tokens in the prompt, {len(vector)} in the vector.")
        return add(activation, positions)

    return checked


def caa_vector(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[tuple[str, str, str]],
    layer: int,
) -> Float[Tensor, " d_model"]:
    """The vector of `caa` for block `layer`."""
    return caa(model, tokenizer, pairs, layer).vectors[layer]


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The direction a part t of the way from a to b on the sphere, of norm (1 - t)|a| + t|b|.

    Linear where a and b point the same way. Tensors of any one shape, each taken as one vector.
    Raises ValueError for a vector that is zero or not finite, and for opposite vectors, between
    which no way is shortest.
    """
    norms = a.double().norm(), b.double().norm()
    if not all(norms):
        raise ValueError("A zero vector has no direction: give two that are not zero.")
    if not all(map(torch.isfinite, norms)):
        raise ValueError("A vector holds NaN or infinity: give two of finite numbers.")
    u, v = a.double() / norms[0], b.double() / norms[1]
    angle = 2 * torch.atan2((u - v).norm(), (u + v).norm())
    margin = max(1e-5, *(2 * torch.finfo(x.dtype).eps for x in (a, b)))  # what rounding turns
    if math.pi - angle < margin:
        raise ValueError("The vectors are opposite: no way between them is the shortest.")
    if angle < margin:
        return (1 - t) * a + t * b
    direction = (torch.sin((1 - t) * angle) * u + torch.sin(t * angle) * v) / torch.sin(angle)
    return (((1 - t) * norms[0] + t * norms[1]) * direction).to(a)


def share_of_kind(texts: Sequence[str], wanted: Iterable[str], other: Iterable[str]) -> float:
    """Of all words of the texts that are on one of two lists, the share on the first.

    Words are what white space separates, without PUNCTUATION at their ends. A word on both lists
    does not count. NaN where no word counts.
    """
    wanted, other = set(wanted), set(other)
    words = [word.strip(PUNCTUATION) for text in texts for word in text.split()]
    good = sum(word in wanted - other for word in words)
    bad = sum(word in other - wanted for word in words)
    return good / (good + bad) if good + bad else math.nan
