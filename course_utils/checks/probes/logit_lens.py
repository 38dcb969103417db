"""Probes and inputs for the exercises of ``03_logit_lens``: small models at random, norms too."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch._dynamo  # at the first use of an optimizer it would load in the answer's time
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from transformers import (
    AutoModelForCausalLM,
    GPTNeoXConfig,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
)

from course_utils.checks.probes import scripted
from course_utils.checks.probes.anatomy import Sizes, gpt2
from course_utils.checks.probes.guard import attempt

TOKENS = scripted.tokens()
SPECIAL = [TOKENS.index(token) for token in (scripted.PAD, scripted.BEGIN, scripted.END)]


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


# logit_lens(model, tokenizer, text, top_k=5) and logit_lens_by_hooks, of the same signature


@dataclass(frozen=True, eq=False)
class Request:
    """One call of the lens: a model, a text and the options.

    With ``begins`` the tokenizer puts a special token before every text. With ``tuples`` the
    model's blocks return tuples.
    """

    model: PreTrainedModel
    text: str
    options: dict = field(default_factory=dict)
    begins: bool = False
    tuples: bool = False

    @property
    def ids(self) -> Tensor:
        return tokenizer(self.begins)(self.text, return_tensors="pt").input_ids


@functools.lru_cache
def tokenizer(begins: bool = False):
    made = scripted.make_tokenizer()
    if begins:
        made.backend_tokenizer.post_processor = TemplateProcessing(
            single=f"{scripted.BEGIN} $A", special_tokens=[(scripted.BEGIN, SPECIAL[1])]
        )
    return made


def random_model(config: PreTrainedConfig, generator: torch.Generator) -> PreTrainedModel:
    """Every parameter matters, the norms' weights too; special tokens do not lead."""
    with torch.random.fork_rng(devices=[]):
        model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_vector = parameter.dim() == 1
            parameter.copy_(1.5 + noise.abs() * noise if is_vector else 0.4 * noise)
        model.get_output_embeddings().weight[SPECIAL] = 0.0
    return model.eval().requires_grad_(False)


def _text(generator: torch.Generator, words: int) -> str:
    chosen = torch.randperm(len(scripted.COLORS), generator=generator)[:words].tolist()
    return "The" + "".join(scripted.COLORS[i] for i in chosen)


def _gated(sizes: Sizes) -> dict:
    return sizes.gated(kv_heads=2) | {"vocab_size": len(TOKENS)}


def gated_requests(seed: int, stream: int = 301) -> list[Request]:
    """RMSNorm, tensors of the usual names."""
    sizes, generator = Sizes(seed, stream), _generator(seed, stream)
    models = (
        random_model(LlamaConfig(**_gated(sizes)), generator),
        random_model(Qwen2Config(**_gated(sizes)), generator),
    )
    return [Request(model, _text(generator, 2 + i)) for i, model in enumerate(models)]


def other_requests(seed: int, stream: int = 302) -> list[Request]:
    """LayerNorm, other names, learned positions; a tokenizer that adds a special token."""
    sizes, generator = Sizes(seed, stream), _generator(seed, stream)
    neox = sizes.base() | {"intermediate_size": 48, "tie_word_embeddings": False}
    models = (
        random_model(gpt2(sizes, vocab_size=len(TOKENS)), generator),
        random_model(GPTNeoXConfig(**neox | {"vocab_size": len(TOKENS)}), generator),
    )
    return [
        Request(model, _text(generator, 3 + i), begins=i == 1) for i, model in enumerate(models)
    ]


def tuple_request(seed: int) -> Request:
    """Blocks that return a tuple, as in older versions of transformers."""
    request = other_requests(seed, 315)[0]
    decoder = request.model.transformer

    def unpack(module, args):
        return (args[0][0], *args[1:]) if isinstance(args[0], tuple) else None

    for block, following in zip(decoder.h, (*decoder.h[1:], decoder.ln_f), strict=True):
        block.forward = functools.partial(_as_tuple, block.forward)
        following.register_forward_pre_hook(unpack)
    return replace(request, tuples=True)


def _as_tuple(forward: Callable, *args, **kwargs) -> tuple:
    return (forward(*args, **kwargs),)


def top_k_requests(seed: int) -> list[Request]:
    """With a special token that is the likeliest at the end of the first text."""
    sizes, generator = Sizes(seed, 303), _generator(seed, 303)
    model = random_model(gpt2(sizes, vocab_size=len(TOKENS)), generator)
    texts = [_text(generator, words) for words in (3, 0, 2)]
    _let_lead(SPECIAL[2], model, texts[0])
    return [Request(model, text, {"top_k": k}) for text, k in zip(texts, (3, 1, 7), strict=True)]


def _let_lead(token: int, model: PreTrainedModel, text: str) -> None:
    ids = tokenizer()(text, return_tensors="pt").input_ids
    output = model(ids, output_hidden_states=True)
    end, most = output.hidden_states[-1][0, -1], output.logits.abs().max()
    model.get_output_embeddings().weight[token] = 2 * most * end / end.dot(end)


def _lenient(answer: Callable) -> Callable:
    """The answer, with arrays as tensors, and single numbers of any library as plain ones."""
    if not callable(answer):
        return answer

    @functools.wraps(answer, updated=())
    def call(*args, **kwargs):
        return _plain(answer(*args, **kwargs))

    return call


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return torch.tensor(value)
    single = isinstance(value, Tensor) and value.dim() == 0 and value.device.type != "meta"
    return value.item() if single or isinstance(value, np.generic) else value


def _read(answer: Callable, request: Request) -> dict:
    """The outcome, with ``asked``: whether the model was asked for its hidden states."""
    asked: list[bool] = []
    watched = (request.model, request.model.base_model)
    for module in watched:
        module.forward = _watched(module, asked)
    call = attempt(
        _lenient(answer),
        request.model,
        tokenizer(request.begins),
        request.text,
        **request.options,
    )
    for module in watched:
        vars(module).pop("forward", None)
    return call | {"asked": any(asked) or request.model.config.output_hidden_states}


def _watched(module: nn.Module, asked: list[bool]) -> Callable:
    forward = module.forward

    @functools.wraps(forward)
    def run(*args, **kwargs):
        asked.append(bool(kwargs.get("output_hidden_states") or module.config.output_hidden_states))
        return forward(*args, **kwargs)

    return run


def lens_layers(answer: Callable, seed: int) -> list[dict]:
    return [_read(answer, request) for request in gated_requests(seed)]


def lens_architectures(answer: Callable, seed: int) -> list[dict]:
    return [_read(answer, request) for request in other_requests(seed)]


def lens_top_k(answer: Callable, seed: int) -> list[dict]:
    return [_read(answer, request) for request in top_k_requests(seed)]


def hooked_requests(seed: int) -> list[Request]:
    return [*other_requests(seed, 312), tuple_request(seed)]


def hooks_layers(answer: Callable, seed: int) -> list[dict]:
    return [_read(answer, request) for request in gated_requests(seed, 311)]


def hooks_architectures(answer: Callable, seed: int) -> list[dict]:
    return [_read(answer, request) for request in hooked_requests(seed)]


class Broken(BaseException):
    """Ends a forward pass, as Ctrl-C does."""


def hooks_left(answer: Callable, seed: int) -> list[dict]:
    """A model that has hooks already: transformers' own, and somebody else's on every block."""
    request = gated_requests(seed, 313)[0]
    model = request.model
    model(request.ids, output_hidden_states=True)
    for block in model.model.layers:
        block.register_forward_hook(lambda module, args, output: None)
        block.register_forward_pre_hook(lambda module, args: None)
    model.model.norm.register_forward_hook(lambda module, args, output: None)
    return [_hooks_changed(answer, request)]


def hooks_after_error(answer: Callable, seed: int) -> list[dict]:
    """A block that fails in the middle of the pass, once with an error, once as by Ctrl-C."""
    calls = []
    for number, error in enumerate((RuntimeError, Broken)):
        request = gated_requests(seed, 314)[number]

        def fail(*args, error=error, **kwargs):
            raise error("the pass was ended on purpose")

        request.model.model.layers[1].forward = fail
        calls.append(_hooks_changed(answer, request))
    return calls


def _hooks_changed(answer: Callable, request: Request) -> dict:
    """The outcome, with how many hooks were ``left`` behind and how many are ``lost``."""
    everywhere = nn.modules.module._global_forward_hooks
    before, global_before = _hooks(request.model), set(everywhere)
    call = attempt(_lenient(answer), request.model, tokenizer(), request.text)
    after = _hooks(request.model)
    new = set(everywhere) - global_before
    for key in new:
        del everywhere[key]
    lost = sum(hook not in after for hook in before)
    return call | {"left": len(after) + lost - len(before) + len(new), "lost": lost}


def _hooks(model: nn.Module) -> list:
    """All hooks, and what stands in the place of a module's forward."""
    found = []
    for module in model.modules():
        found += [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
        found += [vars(module)[name] for name in ("forward",) if name in vars(module)]
    return found


# first_leading_block(logits, answers)


def _course(leads: list[str], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Logits [block, batch, vocab] and answers; a word such as "..x.xx" for each row says at which
    blocks its answer leads. Elsewhere the row's rival does, with the answer second or far below."""
    blocks, vocabulary = len(leads[0]), 11
    logits = torch.randn(blocks, len(leads), vocabulary, generator=generator).clamp(max=3)
    answers = torch.randint(1, vocabulary, (len(leads),), generator=generator)
    rivals = (
        answers + torch.randint(1, vocabulary, answers.shape, generator=generator)
    ) % vocabulary
    for row, word in enumerate(leads):
        logits[:, row, rivals[row]] = torch.tensor([5.0 if x == "." else 3.5 for x in word])
        below = torch.rand(blocks, generator=generator) < 0.5
        is_low = below & torch.tensor([x == "." for x in word])
        logits[:, row, answers[row]] = torch.where(is_low, -4.0, 3.9)
    return logits, answers


STAYING = ["...xxx", "x.xx.x", ".x..xx", "xxxxxx", ".....x", "x...xx"]
NEVER = ["......", "xxx...", ".x.xx.", "xxxxx."]
SMALL = (["..x"], ["x"])


def staying_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 321)
    order = torch.randperm(len(STAYING), generator=generator).tolist()
    return [_course([STAYING[i] for i in order], generator), _course(STAYING[:4], generator)]


def never_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 322)
    order = torch.randperm(len(NEVER), generator=generator).tolist()
    return [_course([NEVER[i] for i in order], generator)]


def small_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 323)
    return [_course(leads, generator) for leads in SMALL]


def _on_tensors(inputs: Callable[[int], list[tuple]]):
    def probe(answer: Callable, seed: int) -> list[dict]:
        return [
            attempt(_listed(answer), *(x.clone() for x in arguments)) for arguments in inputs(seed)
        ]

    return probe


def _listed(answer: Callable) -> Callable:
    """The answer, with a list of numbers, or an array, as a tensor."""
    if not callable(answer):
        return answer

    @functools.wraps(answer, updated=())
    def call(*args, **kwargs):
        value = _plain_keeping_tensors(answer(*args, **kwargs))
        numbers = isinstance(value, list) and all(type(x) in (int, float) for x in value)
        return torch.tensor(value) if numbers and value else value

    return call


def _plain_keeping_tensors(value: object) -> object:
    return value if isinstance(value, Tensor) else _plain(value)


first_block_stays = _on_tensors(staying_inputs)
first_block_never = _on_tensors(never_inputs)
first_block_small = _on_tensors(small_inputs)


# kl_to_final(logits)


def kl_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 331)
    shapes = ((5, 3, 13), (6, 13), (3, 2, 4, 13), (2, 2, 2, 17))
    return [(2 * torch.randn(*shape, generator=generator) + 3,) for shape in shapes]


def kl_large_inputs(seed: int) -> list[tuple]:
    """Logits of the size that unnormed states give."""
    generator = _generator(seed, 332)
    logits = torch.randn(4, 3, 13, generator=generator)
    return [(torch.cat([100 * logits, 200 + 60 * logits[-1:].flip(-1)]),)]


kl_values = _on_tensors(kl_inputs)
kl_large = _on_tensors(kl_large_inputs)


# Translator(d_model)

D_MODEL, VOCABULARY = 8, 23
STEPS, LEARNING_RATE, BATCH = 150, 0.03, 8  # the same 8 rows every time would not do


class Unembed(nn.Module):
    """A norm and an unembedding; ``seen`` are the states it was called with."""

    def __init__(self, generator: torch.Generator):
        super().__init__()
        self.seen: list[Tensor] = []
        self.gain = nn.Parameter(0.5 + torch.rand(D_MODEL, generator=generator))
        self.weight = nn.Parameter(torch.randn(VOCABULARY, D_MODEL, generator=generator))

    def forward(self, states: Tensor) -> Tensor:
        self.seen.append(states.detach().reshape(-1, D_MODEL))
        scale = states.square().mean(-1, keepdim=True).add(1e-6).rsqrt()
        return (self.gain * states * scale) @ self.weight.T


@dataclass(frozen=True, eq=False)
class Problem:
    """States whose final logits an affine map of them gives, and others held out."""

    unembed: Unembed
    states: Tensor
    final_logits: Tensor
    held_out: Tensor
    held_out_logits: Tensor


def problem(seed: int, stream: int, rows: int = 256, narrow: int = 0) -> Problem:
    """The first and the last `narrow` of the states to train on lie in half of the dimensions."""
    generator = _generator(seed, stream)
    unembed = Unembed(generator).requires_grad_(False)
    turn = torch.eye(D_MODEL) + 0.5 * torch.randn(D_MODEL, D_MODEL, generator=generator)
    shift = torch.randn(D_MODEL, generator=generator)
    states = torch.randn(2, rows, D_MODEL, generator=generator)
    for end in (states[0, :narrow], states[0, len(states[0]) - narrow :]):
        end[:, D_MODEL // 2 :] = 0.0
    logits = unembed(states @ turn + shift)
    return Problem(unembed, states[0], logits[0], states[1], logits[1])


class Session:
    """Calls on one object of the answer; after the first that fails, none is made."""

    def __init__(self, answer: type, seed: int, stream: int):
        self.made: list = []
        self.calls: list[dict] = []
        self._generator = _generator(seed, stream)

        @functools.wraps(answer, updated=())
        def make(*args):
            self.made.append(answer(*args))

        self._add(attempt(make, D_MODEL), "making it")

    def do(self, step: str, name: str, *args, **kwargs) -> Session:
        """Call a method, "" for the object itself."""
        if self.calls[-1]["outcome"] != "returned":
            return self
        differentiable = []

        def run():
            method = getattr(self.made[0], name) if name else self.made[0]
            value = method(*args, **kwargs)
            differentiable.append(isinstance(value, Tensor) and value.requires_grad)
            return value

        self._add(attempt(run) | {"differentiable": differentiable == [True]}, step)
        return self

    def shake(self) -> Session:
        """Move every parameter away from where it began."""
        parameters = getattr(self.made[0], "parameters", None) if self.made else None
        with torch.no_grad():
            for parameter in parameters() if callable(parameters) else ():
                noise = torch.randn(parameter.shape, generator=self._generator)
                parameter.add_(0.4 * noise)
        return self

    def _add(self, call: dict, step: str) -> None:
        self.calls.append(call | {"step": step})


def translator_start_inputs(seed: int) -> tuple[Tensor, Tensor]:
    generator = _generator(seed, 341)
    return torch.randn(5, D_MODEL, generator=generator), torch.randn(
        2, 3, D_MODEL, generator=generator
    )


def translator_start(answer: type, seed: int) -> list[dict]:
    x, y = translator_start_inputs(seed)
    session = Session(answer, seed, 342).do("before training", "", x.clone())
    session.do("before training, more dimensions", "", y.clone()).shake()
    session.do("other parameters, zeros", "", torch.zeros(1, D_MODEL))
    session.do("other parameters, unit vectors", "", torch.eye(D_MODEL))
    return session.do("other parameters", "", x.clone()).calls


def translator_loss(answer: type, seed: int) -> list[dict]:
    """The output of the translator and the loss, for states [row, …] and [batch, pos, …]."""
    given = problem(seed, 343, rows=12)
    session = Session(answer, seed, 344).shake()
    for shape in ((12,), (3, 4)):
        states, logits = (x.unflatten(0, shape) for x in (given.states, given.final_logits))
        session.do(f"forward on {list(shape)} rows", "", states.clone())
        session.do(
            f"loss on {list(shape)} rows", "loss", states.clone(), given.unembed, logits.clone()
        )
    return session.calls


def translator_fit(answer: type, seed: int) -> list[dict]:
    """Training, then the output on held-out states; with the training: ``backward``, the number of
    backward passes; ``accumulated``, in how many of them old gradients were still there; the
    number of ``optimizers`` that took a step, and their ``weight_decay``; how many rows each step
    was on (``sizes``), and which of them the first one (``first``)."""
    given = problem(seed, 345, narrow=BATCH)
    session = Session(answer, seed, 346)
    gradients, accumulated, optimizers = [], [], []
    parameters = getattr(session.made[0], "parameters", None) if session.made else None
    for parameter in list(parameters())[:1] if callable(parameters) else []:
        parameter.register_hook(lambda gradient: gradients.append(gradient.clone()))
        parameter.register_post_accumulate_grad_hook(
            lambda p: accumulated.append(not torch.allclose(p.grad, gradients[-1]))
        )
    handle = register_optimizer_step_post_hook(
        lambda optimizer, args, kwargs: optimizers.append(optimizer)
    )
    given.unembed.seen.clear()
    session.do(
        "fit", "fit", given.states, given.unembed, given.final_logits, STEPS, LEARNING_RATE, BATCH
    )
    handle.remove()
    seen = given.unembed.seen
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    session.calls[-1] |= {
        "backward": len(gradients),
        "accumulated": sum(accumulated),
        "optimizers": len(set(map(id, optimizers))),
        "weight_decay": max((group.get("weight_decay", 0) for group in groups), default=0),
        "sizes": sorted(set(map(len, seen))),
        "first": _rows_of(seen[0], given.states) if seen else [],
    }
    return session.do("held-out states", "", given.held_out.clone()).calls


def _rows_of(seen: Tensor, states: Tensor) -> list[int]:
    """Which of the states were seen; -1 for one that is none of them."""
    near = (seen[:, None] - states).abs().amax(-1) < 1e-5
    return [int(row.int().argmax()) if row.any() else -1 for row in near]


def translator_leaves(answer: type, seed: int) -> list[dict]:
    """Training with a model that is not frozen; with each step: what it ``changed``."""
    given = problem(seed, 347, rows=32)
    given.unembed.requires_grad_(True)
    session = Session(answer, seed, 348).shake()
    arguments = (given.states, given.unembed, given.final_logits.detach())
    watched = {"the states": given.states, "the final logits": arguments[2]}
    watched |= {"the model's parameters": given.unembed.weight}
    for step, name, *args in (
        ("forward", "", given.states),
        ("loss", "loss", *arguments),
        ("fit", "fit", *arguments, 3, LEARNING_RATE, 8),
    ):
        before = {what: tensor.detach().clone() for what, tensor in watched.items()}
        session.do(step, name, *args)
        changed = [what for what in watched if not torch.equal(watched[what], before[what])]
        session.calls[-1].setdefault("changed", changed)
    return session.calls
