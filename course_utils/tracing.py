"""Causal tracing, activation patching, ablation: what a model needs, found by changing it.

Causal tracing (Meng et al., "Locating and Editing Factual Associations in GPT", 2022, section 2)
makes three runs: clean; corrupted, with noise on the subject's embeddings; and corrupted with one
clean state restored. Of the probability P of the answer, the total effect is TE = P[clean] -
P[corrupted], the indirect effect of a state IE = P[corrupted, state restored] - P[corrupted].

Sites are those of `hooks`, and `("head", i, h)`: head h of block i, before the output map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from .anatomy import Anatomy, anatomy
from .hooks import check_evaluating

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

KINDS = ("block", "mlp", "attention")
BASELINES = ("zero", "mean", "resample")
ROLES = (
    "first subject token",
    "middle subject tokens",
    "last subject token",
    "first token after it",
    "further tokens",
    "last token",
)
ROWS = 256
"""At most so many sequences go through the model at once, but for one sample and position."""

Change = Callable[[Float[Tensor, "batch pos width"], Int[Tensor, "pos"]], Tensor]


@dataclass(frozen=True, eq=False)
class Trace:
    """A causal trace: probabilities of the answer, averaged over the noise samples."""

    tokens: list[str]
    subject: slice
    answer: str
    clean: float
    corrupted: float
    indirect_effects: Float[Tensor, "block pos"]

    @property
    def total_effect(self) -> float:
        return self.clean - self.corrupted


@dataclass(frozen=True, eq=False)
class Patching:
    """Log-odds of the source's answer against the target's: in both runs, and in the target's run
    with one state of the source's put in its place."""

    tokens: list[str]
    source: float
    target: float
    patched: Float[Tensor, "block pos"]

    @property
    def recovered(self) -> Float[Tensor, "block pos"]:
        """0 where a state changes nothing, 1 where it alone brings the source's log-odds."""
        return (self.patched - self.target) / (self.source - self.target)


# Tracing


def causal_trace(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    subject: str,
    answer: str,
    kind: str = "block",
    window: int = 1,
    n_samples: int = 10,
    seed: int = 0,
    states_of: str | None = None,
) -> Trace:
    """The total effect of corrupting the subject, and the indirect effect of every state.

    The subject's embeddings get normal noise of 3 standard deviations of the model's embeddings,
    anew in each of `n_samples`. Restored at a time is the output, at one position, of one block
    (`kind` "block"), or of the MLPs ("mlp") or the attentions ("attention") of `window` blocks
    around one. `answer` is one token, the one after the prompt; a space before it may be left out.
    The states restored are those of the prompt itself or, as a control, those of `states_of`,
    another prompt of as many tokens.

    All cells go through the model together, by a batch that grows from block to block.
    Raises ValueError for a subject that is not in the prompt exactly once, an answer of several
    tokens, a prompt that is too long, and UnknownArchitecture.
    """
    parts = anatomy(model)
    _check_setting(model, kind, window, n_samples)
    ids = _token_ids(model, tokenizer, prompt)
    span = subject_span(tokenizer, prompt, subject)
    token = answer_token(tokenizer, prompt, answer)
    states = ids if states_of is None else _token_ids(model, tokenizer, states_of)
    _check_length(ids, states)
    noise = _noise(parts, span.stop - span.start, n_samples, seed)
    corrupted = parts.embed(ids).repeat(n_samples, 1, 1)
    corrupted[:, span] += _entering(parts, noise)
    runs = _restored(model, states, corrupted, [token], kind, window)
    clean = runs.source[0] if states_of is None else _log_probabilities(model, ids, [token])[0, 0]
    baseline = runs.target.exp().mean()
    return Trace(
        tokens=tokenizer.batch_decode(ids[0][:, None]),
        subject=span,
        answer=tokenizer.decode(token),
        clean=clean.exp().item(),
        corrupted=baseline.item(),
        indirect_effects=runs.restored[..., 0].exp().mean(-1).cpu() - baseline.cpu(),
    )


def activation_patching(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    source: str,
    target: str,
    answers: tuple[str, str],
    kind: str = "block",
    window: int = 1,
) -> Patching:
    """What one state of the source's run does in the target's, for every (block, position).

    The prompts have as many tokens; `answers` are those of source and target, one token each.
    `kind` and `window` are as for `causal_trace`. Raises ValueError and UnknownArchitecture.
    """
    parts = anatomy(model)
    _check_setting(model, kind, window)
    ids = _token_ids(model, tokenizer, source)
    others = _token_ids(model, tokenizer, target)
    _check_length(others, ids)
    tokens = [answer_token(tokenizer, source, answer) for answer in answers]
    if torch.equal(ids, others) or tokens[0] == tokens[1]:
        raise ValueError(
            f"The prompts {source!r} and {target!r} with the answers {' and '.join(answers)}: "
            "give two prompts that differ, and two answers."
        )
    runs = _restored(model, ids, parts.embed(others), tokens, kind, window)
    odds = [run[..., 0] - run[..., 1] for run in (runs.source, runs.target, runs.restored)]
    return Patching(
        tokens=tokenizer.batch_decode(others[0][:, None]),
        source=odds[0].item(),
        target=odds[1].item(),
        patched=odds[2][..., 0].cpu(),
    )


def subject_span(tokenizer: PreTrainedTokenizerBase, prompt: str, subject: str) -> slice:
    """The positions of the tokens that hold the subject, which occurs in the prompt once.

    Raises ValueError, also for a tokenizer that does not say which characters a token holds.
    """
    if not tokenizer.is_fast:
        raise ValueError(
            f"{type(tokenizer).__name__} does not tell which characters a token holds: load a fast "
            "tokenizer, or give the positions to corrupt and effects."
        )
    count = prompt.count(subject) if subject.strip() else 0
    if count != 1:
        raise ValueError(
            f"The subject {subject!r} occurs {count} times in {prompt!r}: give a text that "
            "occurs there once, with its capitals."
        )
    start = prompt.index(subject)
    offsets = tokenizer(prompt, return_offsets_mapping=True)["offset_mapping"]
    inside = [i for i, (a, b) in enumerate(offsets) if a < start + len(subject) and b > start]
    return slice(inside[0], inside[-1] + 1)


def answer_token(tokenizer: PreTrainedTokenizerBase, prompt: str, answer: str) -> int:
    """The id of the answer as the prompt's next token.

    A missing space before it is added, but not after a space, a hyphen, a slash, an opening
    bracket or a quote. Raises ValueError for an answer that is not one token.
    """
    is_glued = prompt[-1:].isspace() or prompt[-1:] in tuple("-–—/([{\"'“‘«$#@")
    text = f" {answer}" if answer[:1].isalnum() and not is_glued else answer
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    if len(ids) != 1:
        pieces = " + ".join(repr(tokenizer.decode(i)) for i in ids) or "none"
        raise ValueError(
            f"The answer {text!r} is {len(ids)} tokens ({pieces}): choose one that is a single "
            "token, or the first of these."
        )
    return ids[0]


def embedding_std(model: PreTrainedModel) -> float:
    """The standard deviation of all the numbers in the model's token embeddings."""
    return _std(anatomy(model))


@torch.no_grad()
def corrupt(
    model: PreTrainedModel,
    input_ids: Int[Tensor, "1 pos"],
    subject: slice,
    n_samples: int = 10,
    seed: int = 0,
) -> Float[Tensor, "n_samples pos d_model"]:
    """Embeddings of a prompt with noise at the subject's positions; for `inputs_embeds`.

    Normal noise of 3 `embedding_std`, another for every sample, position and number.
    """
    parts = anatomy(model)
    corrupted = parts.embedding(input_ids.to(model.device)).repeat(n_samples, 1, 1)
    length = len(range(*subject.indices(input_ids.shape[1])))
    corrupted[:, subject] += _noise(parts, length, n_samples, seed)
    return corrupted


@torch.no_grad()
def restore(
    model: PreTrainedModel,
    input_ids: Int[Tensor, "1 pos"],
    corrupted: Float[Tensor, "n_samples pos d_model"],
    block: int,
    position: int,
    answer: int,
) -> Float[Tensor, ""]:
    """Probability of the answer when the block's output at the position is the clean one.

    The mean over the samples; `answer` is a token id.
    """
    check_evaluating(model)
    module = anatomy(model).blocks[block]
    states: list[Tensor] = []

    def keep(module: nn.Module, args: tuple, output: Tensor | tuple) -> None:
        states.append(_tensor(output)[0, position])

    def put(module: nn.Module, args: tuple, output: Tensor | tuple) -> Tensor | tuple:
        changed = _tensor(output).clone()
        changed[:, position] = states[0]
        return _like(output, changed)

    with _hooked(module, keep):
        model(input_ids.to(model.device), use_cache=False)
    with _hooked(module, put):
        logits = model(inputs_embeds=corrupted.to(model.device), use_cache=False).logits
    return logits[:, -1].softmax(-1)[:, answer].mean()


@torch.no_grad()
def effects(
    model: PreTrainedModel,
    input_ids: Int[Tensor, "1 pos"],
    corrupted: Float[Tensor, "n_samples pos d_model"],
    answer: int,
) -> tuple[Float[Tensor, ""], Float[Tensor, "block pos"]]:
    """The total effect, and the indirect effect of each block's output at each position."""
    check_evaluating(model)
    parts, input_ids = anatomy(model), input_ids.to(model.device)
    noise = corrupted.to(model.device) - parts.embedding(input_ids)
    entering = parts.embed(input_ids) + _entering(parts, noise)
    runs = _restored(model, input_ids, entering, [answer], "block", 1)
    baseline = runs.target.exp().mean()
    return runs.source[0].exp() - baseline, runs.restored[..., 0].exp().mean(-1) - baseline


def _noise(parts: Anatomy, length: int, n_samples: int, seed: int) -> Tensor:
    weight = parts.embedding.weight
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n_samples, length, weight.shape[1], generator=generator)
    return 3 * _std(parts) * noise.to(weight.device)


def _std(parts: Anatomy) -> float:
    weight = parts.embedding.weight.detach()
    std = weight.to(torch.promote_types(weight.dtype, torch.float32)).std()
    return float(std * getattr(parts.embedding, "embed_scale", 1.0))  # Gemma's table multiplies


def _entering(parts: Anatomy, noise: Tensor) -> Tensor:
    """What noise on the embeddings is where it enters block 0."""
    noise = noise.to(parts.embedding.weight.dtype)
    if parts.embedding_scale is not None:
        noise = noise * parts.embedding_scale
    return noise if parts.project_in is None else parts.project_in(noise)


# The growing batch


@dataclass(frozen=True, eq=False)
class _Runs:
    """Log-probabilities of the answers at the last position."""

    source: Float[Tensor, " answers"]
    target: Float[Tensor, "rows answers"]
    restored: Float[Tensor, "block pos rows answers"]


@torch.no_grad()
def _restored(
    model: PreTrainedModel,
    ids: Int[Tensor, "1 pos"],
    target: Float[Tensor, "rows pos d_model"],
    answers: Sequence[int],
    kind: str,
    window: int,
) -> _Runs:
    """The source's run, the target's, and the target's with each of the source's states.

    `ids` are the source; `target` is what enters block 0. One pass does it all: row 0 is the
    source, then come the target's rows; at the block from which on a cell differs from the
    target, copies of the target's rows join the batch for that cell. Where that would be more than
    ROWS, it is done for some of the target's rows, and some positions, at a time.
    """
    n_blocks, length = len(anatomy(model).blocks), ids.shape[1]
    differs = (target != anatomy(model).embed(ids)).any(-1).any(0).nonzero()
    first = int(differs[0]) if len(differs) else length
    n_cells = max(1, sum(map(len, _joins(n_blocks, range(1), kind, window))))  # of one position
    at_once = max(1, min(length - first, (ROWS - 2) // n_cells))  # positions
    pieces = [range(i, min(i + at_once, length)) for i in range(first, length, at_once)]
    runs = []
    for rows in target.split(max(1, (ROWS - 1) // (1 + n_cells * at_once))):
        for piece in pieces or [range(length, length)]:
            joins = _joins(n_blocks, piece, kind, window)
            run = _one_pass(model, ids, rows, answers, kind, joins)
            if piece.start > first:  # the next positions of the same rows
                runs[-1].restored[:, piece.start :] = run.restored[:, piece.start :]
            else:
                runs.append(run)
    return _Runs(
        runs[0].source,
        torch.cat([run.target for run in runs]),
        torch.cat([run.restored for run in runs], dim=2),
    )


@dataclass(frozen=True)
class _Cell:
    """The state of block `block` at `position`; changed are the outputs of blocks `changed`."""

    block: int
    position: int
    changed: range


def _joins(n_blocks: int, positions: range, kind: str, window: int) -> list[list[_Cell]]:
    """For each block, the cells that join the batch where it is entered.

    Before `positions` source and target are the same, and so is the run with the state restored.
    A block's output differs from where the next one is entered; the last block's need not be run.
    """
    joins: list[list[_Cell]] = [[] for _ in range(n_blocks)]
    for block in range(n_blocks):
        low = max(0, block - window // 2)
        changed = range(low, min(n_blocks, block + (window + 1) // 2))
        start = block + 1 if kind == "block" else low
        if start < n_blocks:
            joins[start] += [_Cell(block, position, changed) for position in positions]
    return joins


def _one_pass(
    model: PreTrainedModel,
    ids: Tensor,
    target: Tensor,
    answers: Sequence[int],
    kind: str,
    joins: list[list[_Cell]],
) -> _Runs:
    parts, rows = anatomy(model), len(target)
    n_blocks, length = len(parts.blocks), ids.shape[1]
    cells = [cell for joining in joins for cell in joining]
    with ExitStack() as installed:
        for block, joining in enumerate(joins):
            grow = _Growth(target, joining, is_first=block == 0, patched=kind == "block")
            handle = parts.blocks[block].register_forward_pre_hook(
                grow, with_kwargs=True, prepend=True
            )
            installed.callback(handle.remove)
        for block, module in enumerate(_modules(parts, kind) if kind != "block" else []):
            changed = [block in cell.changed for cell in cells]
            put = _Restoration(cells, changed, rows, length)
            installed.callback(module.register_forward_hook(put).remove)
        found = _log_probabilities(model, ids, answers)
    source, base = found[0], found[1 : 1 + rows]
    restored = base.expand(n_blocks, length, -1, -1).clone()
    if kind == "block":
        restored[-1, -1] = source
    if cells:
        at = [cell.block for cell in cells], [cell.position for cell in cells]
        restored[at] = found[1 + rows :].unflatten(0, (len(cells), rows))
    return _Runs(source, base, restored)


class _Growth:
    """Where a block is entered: the rows that join, copies of the target's rows for each cell."""

    def __init__(self, target: Tensor, cells: list[_Cell], is_first: bool, patched: bool):
        self.target, self.is_first, self.patched = target, is_first, patched
        positions = [cell.position for cell in cells]
        self.positions = torch.tensor(positions, dtype=torch.long, device=target.device)

    def __call__(self, block: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        hidden = args[0] if args else kwargs["hidden_states"]
        if self.is_first:
            hidden = torch.cat([hidden, self.target])
        if len(self.positions):
            hidden = torch.cat([hidden, self._joining(hidden)])
        if args:
            return (hidden, *args[1:]), kwargs
        return args, kwargs | {"hidden_states": hidden}

    def _joining(self, hidden: Tensor) -> Tensor:
        rows = len(self.target)
        copies = hidden[1 : 1 + rows].repeat(len(self.positions), 1, 1)
        if self.patched:
            positions = self.positions.repeat_interleave(rows)
            copies[torch.arange(len(copies)), positions] = hidden[0, positions]
        return copies


class _Restoration:
    """Where an MLP or an attention is left: the source's output in the rows of some cells."""

    def __init__(self, cells: list[_Cell], changed: list[bool], rows: int, length: int):
        numbers = [i for i, is_changed in enumerate(changed) if is_changed]
        self.length = length
        own = [1 + rows + i * rows + j for i in numbers for j in range(rows)]
        self.rows = torch.tensor(own, dtype=torch.long)
        positions = [cells[i].position for i in numbers for _ in range(rows)]
        self.positions = torch.tensor(positions, dtype=torch.long)

    def __call__(self, module: nn.Module, args: tuple, output: Tensor | tuple) -> Tensor | tuple:
        old = _tensor(output)
        new = old.clone().reshape(-1, self.length, old.shape[-1])  # OPT's MLP flattens the rows
        new[self.rows, self.positions] = new[0, self.positions]
        return _like(output, new.reshape(old.shape))


def _log_probabilities(model: PreTrainedModel, ids: Tensor, answers: Sequence[int]) -> Tensor:
    """Of the next token; for as many rows as the batch has at the end."""
    parts = anatomy(model)
    last = parts.decoder(ids, use_cache=False).last_hidden_state[:, -1]  # through the final norm
    logits = parts.unembedding(last)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if parts.softcap is not None:
        logits = parts.softcap * torch.tanh(logits / parts.softcap)
    return logits.log_softmax(-1)[:, list(answers)]


def _modules(parts: Anatomy, kind: str) -> list[nn.Module]:
    return {"block": parts.blocks, "mlp": parts.mlps, "attention": parts.attentions}[kind]


def _token_ids(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str
) -> Int[Tensor, "1 pos"]:
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"].to(model.device)
    longest = getattr(model.config, "max_position_embeddings", None)
    if longest and ids.shape[1] > longest:
        raise ValueError(
            f"The prompt has {ids.shape[1]} tokens and the model reads {longest}: shorten it."
        )
    if ids.shape[1] == 0:
        raise ValueError("The prompt has no tokens: give a text.")
    return ids.long()


def _check_setting(model: PreTrainedModel, kind: str, window: int, n_samples: int = 1) -> None:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of state: use {', '.join(KINDS)}.")
    if window < 1 or (kind == "block" and window != 1):
        raise ValueError(
            f"A window of {window} blocks for {kind!r}: give 1 or more for mlp and attention; for "
            "blocks it is 1, since one block's output replaces all before it."
        )
    if n_samples < 1:
        raise ValueError(f"n_samples is {n_samples}: give at least 1.")
    check_evaluating(model)


def _check_length(target: Tensor, source: Tensor) -> None:
    if target.shape != source.shape:
        raise ValueError(
            f"The prompts have {source.shape[1]} and {target.shape[1]} tokens: give two of as "
            "many, so that every position has its counterpart."
        )


# Averaging


def token_roles(subject: slice, length: int) -> dict[str, list[int]]:
    """The positions that play each of ROLES in a prompt; none for a role that it lacks.

    The only token of a short subject is its last; the prompt's last token has that role alone.
    """
    inside = list(range(subject.start, subject.stop))
    after = list(range(subject.stop, length))
    parts = (inside[:-1][:1], inside[1:-1], inside[-1:], after[:1], after[1:])
    positions = [[at for at in part if at < length - 1] for part in parts]
    return dict(zip(ROLES, [*positions, [length - 1]], strict=True))


def average_effects(
    maps: Sequence[Float[Tensor, "block pos"]], subjects: Sequence[slice]
) -> tuple[Float[Tensor, "block role"], Float[Tensor, "block role"]]:
    """The mean indirect effect by block and token role over facts, and half its 95 % interval.

    Tokens of one role are averaged within a fact first; a fact without the role does not count
    for it. Half the interval is 1.96 standard errors; nan for fewer than two facts.
    """
    rows = []
    for effects, subject in zip(maps, subjects, strict=True):
        roles = token_roles(subject, effects.shape[1]).values()
        rows.append(torch.stack([effects[:, at].mean(1) for at in roles], dim=1))
    table = torch.stack(rows)
    count = (~table.isnan()).sum(0)
    mean = table.nanmean(0)
    variance = (table - mean).square().nansum(0) / (count - 1)
    return mean, 1.96 * (variance / count).sqrt()


# Ablation


@contextmanager
def ablate(
    model: PreTrainedModel,
    sites: Sequence[tuple],
    baseline: str = "zero",
    reference: Int[Tensor, "n pos"] | None = None,
    positions: Sequence[int] | None = None,
) -> Iterator[None]:
    """Inside the `with`, what the sites add is replaced by a baseline.

        with ablate(model, [("head", 4, 1), ("mlp", 2)], "mean", reference=ids):
            model(input_ids)

    A site is `("block", i)`, what block i adds to the residual stream; `("attention", i)` or
    `("mlp", i)`, their outputs; or `("head", i, h)`. Baselines: "zero"; "mean" over all rows and
    positions of the `reference`; "resample", the value that row i of the reference, which has as
    many rows as the batch, has at the same position. `positions` (default all) count from 0.
    References are token ids without padding; they run through the model at once.
    Whatever reads a site afterwards sees the ablated value, transformers' `hidden_states` too.
    Raises ValueError, and UnknownArchitecture.
    """
    parts = anatomy(model)
    sites = [_checked_site(model, site) for site in sites]
    if not sites:
        raise ValueError("There are no sites to ablate: give at least one.")
    if baseline not in BASELINES:
        raise ValueError(f"{baseline!r} is no baseline: use {', '.join(BASELINES)}.")
    if baseline != "zero" and reference is None:
        raise ValueError(f"The baseline {baseline!r} needs reference: token ids, [n, pos].")
    if positions is not None and any(position < 0 for position in positions):
        raise ValueError(f"positions are {list(positions)}: count from 0.")
    values = {} if baseline == "zero" else _additions(model, parts, sites, reference)
    changes = {site: _replacement(baseline, values.get(site)) for site in sites}
    with _changed(parts, changes, positions):
        yield


@torch.no_grad()
def ablate_head(
    model: PreTrainedModel,
    input_ids: Int[Tensor, "batch pos"],
    block: int,
    head: int,
    baseline: str,
    reference: Int[Tensor, "batch pos"],
) -> Float[Tensor, "batch pos vocab"]:
    """The model's logits with the output of one head replaced; see `ablate`."""
    with ablate(model, [("head", block, head)], baseline, reference):
        return model(input_ids.to(model.device), use_cache=False).logits


def _checked_site(model: PreTrainedModel, site: tuple) -> tuple:
    sizes = {kind: (model.config.num_hidden_layers,) for kind in KINDS}
    sizes["head"] = (model.config.num_hidden_layers, model.config.num_attention_heads)
    match site:
        case [str() as kind, *numbers] if len(numbers) == len(sizes.get(kind, ())):
            if all(0 <= i < size for i, size in zip(numbers, sizes[kind], strict=True)):
                return (kind, *map(int, numbers))
            limits = " and ".join(f"0 to {size - 1}" for size in sizes[kind])
            raise ValueError(f"{site!r} does not exist: the numbers go from {limits}.")
    raise ValueError(
        f"{site!r} is not a site: expected a list such as [('mlp', 3), ('head', 3, 0)], of "
        f"{', '.join(sizes)} and the number of the block."
    )


def _replacement(baseline: str, values: Tensor | None) -> Change:
    def change(addition: Tensor, at: Tensor) -> Tensor:
        if baseline == "zero":
            return torch.zeros_like(addition)
        if baseline == "mean":
            return values.mean((0, 1)).expand_as(addition)
        _check_reference(values, addition, at)
        return values[:, at]

    return change


def _check_reference(values: Tensor, addition: Tensor, at: Tensor) -> None:
    if len(values) != len(addition) or at[-1] >= values.shape[1]:
        raise ValueError(
            f"The reference has {len(values)} rows of {values.shape[1]} tokens, the batch "
            f"{len(addition)} of {int(at[-1]) + 1}: to resample, give as many rows, as long."
        )


@torch.no_grad()
def _additions(
    model: PreTrainedModel, parts: Anatomy, sites: list[tuple], ids: Tensor
) -> dict[tuple, Tensor]:
    """What each site adds in a run on the ids."""
    seen: dict[tuple, Tensor] = {}

    def keep(site: tuple) -> Change:
        return lambda addition, at: seen.setdefault(site, addition)

    with _changed(parts, {site: keep(site) for site in sites}):
        model(ids.to(model.device), use_cache=False)
    return seen


@contextmanager
def _changed(
    parts: Anatomy, changes: Mapping[tuple, Change], positions: Sequence[int] | None = None
) -> Iterator[None]:
    """Inside the `with`, what each site adds there is what its function makes of it."""
    with ExitStack() as installed:
        for site, change in changes.items():
            for handle in _Addition(parts, site, change, positions).install():
                installed.callback(handle.remove)
        yield


class _Addition:
    """What one site adds, on its way through a function."""

    def __init__(
        self, parts: Anatomy, site: tuple, change: Change, positions: Sequence[int] | None
    ):
        self.parts, self.site, self.change, self.positions = parts, site, change, positions

    def install(self) -> Iterator:
        kind, block = self.site[:2]
        enter = self.parts.blocks[block].register_forward_pre_hook
        yield enter(self.enter_block, with_kwargs=True)
        if kind == "head":
            yield output_map(self.parts.attentions[block]).register_forward_pre_hook(self.at_head)
        else:
            leave = _modules(self.parts, kind)[block].register_forward_hook
            yield leave(self.at_block if kind == "block" else self.at_module, prepend=True)

    def enter_block(self, block: nn.Module, args: tuple, kwargs: dict) -> None:
        self.entering = args[0] if args else kwargs["hidden_states"]
        caches = [x for x in (*args, *kwargs.values()) if hasattr(x, "get_seq_length")]
        start = int(caches[0].get_seq_length(self.site[1])) if caches else 0
        length = self.entering.shape[1]
        self.at = torch.arange(start, start + length, device=self.entering.device)

    def at_block(self, block: nn.Module, args: tuple, output: Tensor | tuple) -> Tensor | tuple:
        old = _tensor(output)
        new = self.entering + self.change(old - self.entering, self.at)
        return _like(output, self._where_chosen(new, old))

    def at_module(self, module: nn.Module, args: tuple, output: Tensor | tuple) -> Tensor | tuple:
        old = _tensor(output)
        rows = old.reshape(*self.entering.shape[:2], -1)
        new = self._where_chosen(self.change(rows, self.at), rows)
        return _like(output, new.reshape(old.shape))

    def at_head(self, module: nn.Module, args: tuple) -> tuple:
        config, head = self.parts.decoder.config, self.site[2]
        heads = args[0].unflatten(-1, (config.num_attention_heads, -1)).clone()
        old = heads[..., head, :]
        heads[..., head, :] = self._where_chosen(self.change(old, self.at), old)
        return (heads.flatten(-2), *args[1:])

    def _where_chosen(self, new: Tensor, old: Tensor) -> Tensor:
        if self.positions is None:
            return new
        chosen = torch.isin(self.at, torch.tensor(list(self.positions), device=self.at.device))
        return torch.where(chosen[:, None], new, old)


def output_map(attention: nn.Module) -> nn.Module:
    """The linear map of an attention that reads the outputs of its heads, side by side."""
    for name in ("o_proj", "c_proj", "dense", "out_proj"):
        if hasattr(attention, name):
            return getattr(attention, name)
    raise ValueError(f"{type(attention).__name__} has no output map of a known name.")


# Attention patterns


@torch.no_grad()
def attention_patterns(
    model: PreTrainedModel, input_ids: Int[Tensor, "batch pos"]
) -> Float[Tensor, "block batch head query key"]:
    """The attention weights of every head."""
    check_evaluating(model)
    patterns: list[Tensor] = []

    def keep(module: nn.Module, args: tuple, output: tuple) -> None:
        patterns.append(output[1])

    before = model.config._attn_implementation
    with ExitStack() as installed:
        installed.callback(model.set_attn_implementation, before)
        model.set_attn_implementation("eager")  # the one that returns its weights
        for attention in anatomy(model).attentions:
            installed.callback(attention.register_forward_hook(keep).remove)
        model(input_ids.to(model.device), use_cache=False)
    return torch.stack(patterns)


def induction_scores(
    patterns: Float[Tensor, "block batch head query key"],
) -> Float[Tensor, "block head"]:
    """How much each head attends, in a text that is n tokens written twice, from a token of the
    second copy to the one after the same token in the first; mean over these tokens and the batch.

    Source: Olsson et al., "In-context Learning and Induction Heads", 2022.
    """
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[..., queries, queries - n + 1].mean((1, 3))


def first_token_scores(
    patterns: Float[Tensor, "block batch head query key"],
) -> Float[Tensor, "block head"]:
    """How much each head attends to the first token; mean over the later tokens and the batch."""
    return patterns[..., 1:, 0].mean((1, 3))


# Hooks


@contextmanager
def _hooked(module: nn.Module, hook: Callable) -> Iterator[None]:
    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _tensor(output: Tensor | tuple) -> Tensor:
    return output[0] if isinstance(output, tuple) else output


def _like(output: Tensor | tuple, new: Tensor) -> Tensor | tuple:
    return (new, *output[1:]) if isinstance(output, tuple) else new
