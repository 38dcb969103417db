"""Probes and inputs for the exercises of ``04_causal_tracing``: small models in float64.

Every parameter is drawn from the seed, norm weights and biases too. An outcome may have
``changed``: what the answer left changed in the model.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedConfig, Qwen2Config
from transformers import PreTrainedModel as Model

from course_utils.checks.probes.anatomy import Sizes, gpt2
from course_utils.checks.probes.guard import attempt, scramble

SAMPLES, BLOCKS = 3, 3
NOISE_SAMPLES = 256
QUIET_ROWS = 0.25  # the subject's embeddings are smaller than the others by this factor


def lenient(answer: Callable) -> Callable:
    """The answer, with NumPy's numbers and arrays as tensors."""
    if not callable(answer):
        return answer

    @functools.wraps(answer, updated=())
    def call(*args, **kwargs):
        return _as_tensors(answer(*args, **kwargs))

    return call


def _as_tensors(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
        return torch.from_numpy(np.array(value))
    return [_as_tensors(x) for x in value] if isinstance(value, list | tuple) else value


class Broken(RuntimeError):
    """Raised inside the model, to see what an answer leaves behind."""


class Interrupted(BaseException):
    """The same, as Ctrl-C does."""


BREAKS = ((1, Broken), (2, Broken), (2, Interrupted))  # in which forward pass, and how


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


def running(config: PreTrainedConfig, seed: int, stream: int) -> Model:
    """A model that runs, in float64."""
    model = AutoModelForCausalLM.from_config(config).double().eval().requires_grad_(False)
    generator = _generator(seed, stream)
    for parameter in model.parameters():
        scale = 0.5 if parameter.dim() == 1 else 0.3
        drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.copy_((parameter.dim() == 1) * 1.0 * (parameter != 0) + scale * drawn)
    ids = torch.zeros(1, 2, dtype=torch.long)
    model(ids, output_hidden_states=True)  # transformers leaves hooks of its own at first use
    return model


def qwen(seed: int, stream: int) -> Model:
    sizes = Sizes(seed, stream).gated(kv_heads=2, num_hidden_layers=BLOCKS, hidden_size=24)
    return running(Qwen2Config(**sizes), seed, stream)


def small_gpt2(seed: int, stream: int) -> Model:
    config = gpt2(Sizes(seed, stream), num_hidden_layers=BLOCKS, hidden_size=24)
    return running(config, seed, stream)


def wide_llama(seed: int, stream: int) -> Model:
    """Heads that are together wider than the residual stream."""
    sizes = Sizes(seed, stream).gated(
        kv_heads=2, num_hidden_layers=BLOCKS, hidden_size=24, head_dim=6
    )
    return running(LlamaConfig(**sizes), seed, stream)


# corrupt(model, input_ids, subject, n_samples, seed)


@dataclass(frozen=True, eq=False)
class Prompt:
    """A model, a prompt, and the positions of the prompt's subject."""

    model: Model
    ids: Tensor
    subject: slice


def prompt(make: Callable, seed: int, stream: int, length: int = 8) -> Prompt:
    """A subject of three tokens, neither first nor last; its embeddings are small."""
    model, generator = make(seed, stream), _generator(seed, stream + 1)
    ids = torch.randperm(model.config.vocab_size - 5, generator=generator)[None, :length] + 2
    start = int(torch.randint(1, length - 4, (), generator=generator))
    subject = slice(start, start + 3)
    table = model.get_input_embeddings().weight
    table *= torch.linspace(0.2, 0.8, table.shape[1], dtype=table.dtype)
    rows = torch.linspace(0.2, 1.8, len(table), dtype=table.dtype)
    table *= rows[torch.randperm(len(table), generator=generator)][:, None]
    table[ids[0, subject]] *= QUIET_ROWS
    return Prompt(model, ids, subject)


def corrupt_prompts(seed: int) -> list[Prompt]:
    """Two prompts for one model, of the same form and with no token in common; one for GPT-2."""
    p = prompt(qwen, seed, 401)
    other = (p.ids + p.ids.max()) % p.model.config.vocab_size
    return [p, Prompt(p.model, other, p.subject), prompt(small_gpt2, seed, 403)]


def corrupt_places(answer: Callable, seed: int) -> list[dict]:
    return [
        attempt(lenient(answer), p.model, p.ids.clone(), p.subject, SAMPLES, seed + 5)
        for p in corrupt_prompts(seed)
    ]


def corrupt_noise(answer: Callable, seed: int) -> list[dict]:
    p = prompt(qwen, seed, 405)
    return [attempt(lenient(answer), p.model, p.ids.clone(), p.subject, NOISE_SAMPLES, seed + 7)]


def corrupt_seeds(answer: Callable, seed: int) -> list[dict]:
    """Twice with one seed and once with another, from different global random states."""
    p = prompt(qwen, seed, 407)
    calls = []
    for number, given in enumerate([11, 11, 12]):
        scramble(seed + 31 * number)
        calls.append(attempt(lenient(answer), p.model, p.ids.clone(), p.subject, SAMPLES, given))
    return calls


# restore(model, input_ids, corrupted, block, position, answer)
# effects(model, input_ids, corrupted, answer)


@dataclass(frozen=True, eq=False)
class Trial:
    """A prompt with corrupted embeddings, and the token that the clean run finds likeliest."""

    model: Model
    ids: Tensor
    subject: slice
    corrupted: Tensor
    answer: int


def trial(make: Callable, seed: int, stream: int) -> Trial:
    p = prompt(make, seed, stream, length=7)
    generator = _generator(seed, stream + 2)
    embeddings = p.model.get_input_embeddings()(p.ids)
    corrupted = embeddings.repeat(SAMPLES, 1, 1)
    drawn = torch.randn(SAMPLES, 3, embeddings.shape[-1], generator=generator, dtype=torch.float64)
    corrupted[:, p.subject] += 0.5 * drawn
    answer = int(p.model(p.ids).logits[0, -1].argmax())
    return Trial(p.model, p.ids, p.subject, corrupted, answer)


def trials(seed: int) -> list[Trial]:
    """On Qwen, and on GPT-2, which calls its parts by other names."""
    return [trial(qwen, seed, 411), trial(small_gpt2, seed, 415)]


def inner_cells(t: Trial) -> list[tuple[int, int]]:
    """(block, position) before the last block."""
    first, last = t.subject.start, t.ids.shape[1] - 1
    return [(0, first), (1, first + 2), (0, last), (1, last), (0, first + 1)]


def last_cells(t: Trial) -> list[tuple[int, int]]:
    """The last block: its output at the last position decides all, elsewhere nothing."""
    last = t.ids.shape[1] - 1
    return [(BLOCKS - 1, last), (BLOCKS - 1, last - 1)]


def _restoring(cells: Callable):
    def probe(answer: Callable, seed: int) -> list[dict]:
        return [
            _cleaned(t.model, answer, t.ids.clone(), t.corrupted.clone(), *cell, t.answer)
            for t in trials(seed)
            for cell in cells(t)
        ]

    return probe


restore_inner = _restoring(inner_cells)
restore_last = _restoring(last_cells)


def _cleaned(model: Model, answer: Callable, *arguments) -> dict:
    """The outcome; hooks that the answer leaves are taken off, so that they disturb no other."""
    before, hooks = _state(model), _hooks(model)
    call = attempt(lenient(answer), model, *arguments)
    after = _state(model)
    fewer = any(set(one) - set(now) for now, one in hooks)
    _put_back(hooks)
    changed = [name for name in before if before[name] != after[name]]
    return call | {"changed": changed, "fewer_hooks": fewer}


def restore_leaves(answer: Callable, seed: int) -> list[dict]:
    """A call that goes well, and some in which the model raises."""
    t = trials(seed)[0]
    arguments = (t.ids.clone(), t.corrupted.clone(), 1, t.subject.start, t.answer)
    return _with_and_without_error(t.model, answer, *arguments)


def _with_and_without_error(model: Model, answer: Callable, *arguments) -> list[dict]:
    calls = [_cleaned(model, answer, *arguments)]
    for number, error in BREAKS:
        passes = []

        def breaks(module, args, number=number, error=error, passes=passes):
            passes.append(1)
            if len(passes) == number:
                raise error("the forward pass breaks off, to see what stays behind")

        handle = model.get_output_embeddings().register_forward_pre_hook(breaks)
        calls.append(_cleaned(model, answer, *arguments) | {"broken": True})
        handle.remove()
    return calls


def _modules_hooks(module) -> list[dict]:
    return [module._forward_hooks, module._forward_pre_hooks]


def _hooks(model: Model) -> list[tuple[dict, dict]]:
    """Every dict of hooks, with a copy."""
    return [(hooks, dict(hooks)) for m in model.modules() for hooks in _modules_hooks(m)]


def _put_back(hooks: list[tuple[dict, dict]]) -> None:
    for current, before in hooks:
        current.clear()
        current.update(before)


def _state(model: Model) -> dict:
    keys = [list(h) for m in model.modules() for h in _modules_hooks(m)]
    return {
        "the hooks": keys,
        "the training mode": model.training,
        "the attention's implementation": model.config._attn_implementation,
        "the parameters": [float(p.sum()) for p in model.parameters()],
    }


def effects_maps(answer: Callable, seed: int) -> list[dict]:
    return [
        _cleaned(t.model, answer, t.ids.clone(), t.corrupted.clone(), t.answer)
        for t in trials(seed)
    ]


def effects_leaves(answer: Callable, seed: int) -> list[dict]:
    return effects_maps(answer, seed)[:1]


# average_effects(maps, subjects)


def facts(seed: int, spans: list[tuple[int, int, int]], stream: int) -> tuple[list, list]:
    """Maps of 4 blocks for prompts of (start, length of the subject, tokens after it)."""
    generator = _generator(seed, stream)
    lengths = [sum(span) for span in spans]
    maps = [torch.randn(4, n, generator=generator, dtype=torch.float64) + 0.4 for n in lengths]
    return maps, [slice(start, start + size) for start, size, _ in spans]


def whole_facts(seed: int) -> tuple[list, list]:
    """Every fact has a token of each role, most of them several."""
    spans = [(0, 5, 4), (1, 3, 5), (2, 4, 3), (0, 3, 6), (3, 6, 3)]
    return facts(seed, spans, 421)


def lacking_facts(seed: int) -> tuple[list, list]:
    """Subjects of one and of two tokens among longer ones, short ends, and no end at all."""
    spans = [(0, 1, 4), (1, 2, 5), (2, 4, 2), (0, 3, 1), (1, 5, 6), (0, 1, 2), (0, 2, 3), (2, 5, 4)]
    spans += [(2, 4, 0), (1, 1, 0)]
    return facts(seed, spans, 423)


def average_facts(answer: Callable, seed: int) -> list[dict]:
    return [attempt(lenient(answer), *facts) for facts in (whole_facts(seed), lacking_facts(seed))]


# induction_scores(patterns)


def patterns(seed: int, batch: int, n: int, stream: int) -> Tensor:
    """Causal attention weights of 4 blocks with 3 heads, over a text of n tokens twice."""
    scores = torch.randn(4, batch, 3, 2 * n, 2 * n, generator=_generator(seed, stream)).double()
    future = torch.ones(2 * n, 2 * n, dtype=torch.bool).triu(1)
    return (2 * scores).masked_fill(future, -torch.inf).softmax(-1)


def one_text(seed: int) -> list[tuple[Tensor]]:
    return [(patterns(seed, 1, 6, 431),), (patterns(seed, 1, 9, 432),)]


def several_texts(seed: int) -> list[tuple[Tensor]]:
    return [(patterns(seed, 5, 7, 433),), (patterns(seed, 2, 4, 434),)]


def induction_one(answer: Callable, seed: int) -> list[dict]:
    return [attempt(lenient(answer), *arguments) for arguments in one_text(seed)]


def induction_several(answer: Callable, seed: int) -> list[dict]:
    return [attempt(lenient(answer), *arguments) for arguments in several_texts(seed)]


# ablate_head(model, input_ids, block, head, baseline, reference)


def head_inputs(seed: int, baseline: str) -> list[tuple]:
    """On a model with heads as wide as usual, and on one with wider ones."""
    given = []
    for number, make in enumerate([qwen, wide_llama]):
        model = make(seed, 441 + 2 * number)
        generator = _generator(seed, 442 + 2 * number)
        ids = torch.randint(2, model.config.vocab_size, (2, 2, 6), generator=generator)
        given.append((model, ids[0], 1, 2, baseline, ids[1]))
        given.append((model, ids[0], 0, 3, baseline, ids[1]))
    return given


def _ablating(baseline: str):
    def probe(answer: Callable, seed: int) -> list[dict]:
        return [
            _cleaned(model, answer, ids.clone(), *where, reference.clone())
            for model, ids, *where, reference in head_inputs(seed, baseline)
        ]

    return probe


ablate_zero = _ablating("zero")
ablate_mean = _ablating("mean")
ablate_resample = _ablating("resample")


def ablate_leaves(answer: Callable, seed: int) -> list[dict]:
    """For each baseline, a call that goes well and some in which the model raises."""
    calls = []
    for baseline in ("zero", "mean", "resample"):
        model, ids, *where, reference = head_inputs(seed, baseline)[0]
        calls += _with_and_without_error(model, answer, ids.clone(), *where, reference.clone())
    return calls
