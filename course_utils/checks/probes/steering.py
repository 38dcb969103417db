"""Probes and inputs for the exercises of ``05_steering``.

What an answer adds to the residual stream is measured, not read off its code: a `Bench` is a small
random model in which each block's own output is compared with what its successor receives.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from functools import lru_cache

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    PreTrainedTokenizerFast,
)

from course_utils import hooks
from course_utils.anatomy import anatomy
from course_utils.checks.probes.guard import attempt
from course_utils.checks.probes.tracing import lenient

PAD, BEGIN, END = "<|pad|>", "<|begin|>", "<|endoftext|>"
WORDS = (
    "the cat sat on a mat and my dog ran to him but she was glad we saw red stars in cold rain "
    "love hate good bad yes no hot snow day night old new king said"
).split()
D_MODEL, N_BLOCKS = 16, 4
LLAMA, GPT2, GEMMA = "llama", "gpt2", "gemma3"


SETTINGS = {
    "model": ("output_hidden_states", "output_attentions", "use_cache", "return_dict"),
    "tokenizer": ("padding_side", "truncation_side", "pad_token"),
}


class Interrupt(KeyboardInterrupt):
    """A Ctrl-C that nobody pressed."""


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


def _normal(generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


# Small models and their tokenizers


@lru_cache
def tokens() -> tuple[str, ...]:
    spaced = ["Ġ"] + [f"Ġ{word}" for word in WORDS]
    return (PAD, BEGIN, *spaced, *WORDS, ".", END)


def make_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """Words are tokens. Llama's and Gemma's begins every text with a token of its own and pads on
    the right; GPT-2's has no such token and pads on the left."""
    vocabulary = {token: i for i, token in enumerate(tokens())}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=END))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    if name != GPT2:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{BEGIN} $A", special_tokens=[(BEGIN, vocabulary[BEGIN])]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        padding_side="left" if name == GPT2 else "right",
        clean_up_tokenization_spaces=False,
    )


def _config(name: str):
    shared = {
        "vocab_size": len(tokens()),
        "hidden_size": D_MODEL,
        "num_hidden_layers": N_BLOCKS,
        "num_attention_heads": 4,
        "bos_token_id": 1,
        "eos_token_id": None,
        "pad_token_id": 0,
    }
    gated = shared | {"intermediate_size": 24, "num_key_value_heads": 2}
    if name == GPT2:
        return GPT2Config(**shared, n_positions=128)
    if name == LLAMA:
        return LlamaConfig(**gated)
    return Gemma3TextConfig(**gated, head_dim=4, sliding_window=64)


def make_model(name: str, seed: int) -> nn.Module:
    """In float64, with random norm weights."""
    model = AutoModelForCausalLM.from_config(_config(name)).double().eval().requires_grad_(False)
    generator = _generator(seed, 501)
    for parameter in model.parameters():
        wide = 1.0 if parameter.dim() == 1 else 0.5
        parameter.copy_(wide * _normal(generator, *parameter.shape))
    model.get_output_embeddings().weight.data = _normal(generator, len(tokens()), D_MODEL)
    return model


class Bench:
    """A small model with its tokenizer, with other people's hooks on it.

    ``passes`` holds for each forward pass the ``ids`` it was given, and for each block whose
    output arrived changed what was ``added`` to it, what it was ``before`` and how many
    dimensions arrived (``dims``).
    """

    def __init__(self, name: str, seed: int, trained: bool = False):
        self.model, self.tokenizer = make_model(name, seed), make_tokenizer(name)
        self.model.requires_grad_(trained)
        self.parts = anatomy(self.model)
        self.passes: list[dict] = []
        self.failing: BaseException | None = None
        self._watch()
        self.model(torch.tensor([[2, 3]]), output_hidden_states=True)
        self.blocks = list(self.parts.blocks)
        self.found, self.weights = self._hooks(), self._weights()
        self.settings, self.asking = self._settings(), self._asking()
        self.passes.clear()

    def _watch(self) -> None:
        own: dict[int, Tensor] = {}

        def enter(decoder, args, kwargs):
            ids = args[0] if args else kwargs.get("input_ids")
            self.passes.append({"ids": ids.clone(), "added": {}, "before": {}, "dims": {}})
            if self.failing is not None and len(self.passes) > 2:
                raise self.failing

        def arrives(i: int, given: Tensor) -> None:
            before = own.pop(i, None)
            if before is not None and self.passes and not torch.equal(before, given):
                self.passes[-1]["added"][i] = (given - before).detach().clone()
                self.passes[-1]["before"][i] = before
                self.passes[-1]["dims"][i] = given.dim()

        def watched(i: int, forward: Callable) -> Callable:
            @functools.wraps(forward)
            def run(*args, **kwargs):
                given = args[0] if args else kwargs["hidden_states"]
                arrives(i - 1, given)
                output = forward(*args, **kwargs)
                hidden = output[0] if isinstance(output, tuple) else output
                own[i] = hidden.detach().clone()
                return output

            return run

        self.parts.decoder.register_forward_pre_hook(enter, with_kwargs=True)
        stages = [*self.parts.blocks, self.parts.final_norm]
        for i, stage in enumerate(stages):
            stage.forward = watched(i, stage.forward)
            stage.register_forward_hook(lambda module, args, output: None)

    def _hooks(self) -> list[int]:
        return [
            id(hook)
            for module in self.model.modules()
            for kind in (module._forward_hooks, module._forward_pre_hooks)
            for hook in kind.values()
        ] + [id(module.forward) for module in (*self.parts.blocks, self.parts.final_norm)]

    def _weights(self) -> Tensor:
        return torch.cat([p.detach().flatten() for p in self.model.parameters()]).clone()

    def _asking(self) -> list[bool]:
        return [p.requires_grad for p in self.model.parameters()]

    def _settings(self) -> dict[str, object]:
        holders = {"model": self.model.config, "tokenizer": self.tokenizer}
        return {
            f"{holder}'s {name}": getattr(holders[holder], name, None)
            for holder, names in SETTINGS.items()
            for name in names
        }

    def traces(self) -> dict:
        """How many hooks are lost and left, whether the model is changed otherwise, and which
        settings are."""
        settings = self._settings().items()
        now, weights = self._hooks(), self._weights()
        same = weights.shape == self.weights.shape and torch.equal(weights, self.weights)
        return {
            "lost": len(set(self.found) - set(now)),
            "left": len(set(now) - set(self.found)),
            "changed": self.model.training
            or not same
            or list(_blocks(self)) != self.blocks
            or self._asking() != self.asking,
            "set": [f"{name} is {x!r}" for name, x in settings if x != self.settings[name]],
        }


def _blocks(bench: Bench):
    return anatomy(bench.model).blocks


def sentence(generator, length: int) -> str:
    """So many words at random, no word twice in a row."""
    steps = torch.randint(1, len(WORDS), (length,), generator=generator)
    return " ".join(WORDS[i] for i in (steps.cumsum(0) % len(WORDS)).tolist())


def _attempt_on(bench: Bench, step: str, function: Callable, *args, **kwargs) -> dict:
    """The outcome of a call, with what passed through the model and what is left on it."""
    bench.passes.clear()
    outcome = attempt(function, *args, **kwargs)
    return {"step": step, **outcome, "passes": list(bench.passes), **bench.traces()}


# last_token_vector(model, tokenizer, positive, negative, layer)


def vector_requests(seed: int) -> list[tuple[str, str, str, int]]:
    """Architecture, positive, negative, layer; the prompts of different lengths."""
    generator = _generator(seed, 511)
    return [
        (LLAMA, sentence(generator, 3), sentence(generator, 6), 1),
        (LLAMA, sentence(generator, 5), sentence(generator, 2), 0),
        (GPT2, sentence(generator, 2), sentence(generator, 5), 2),
        (GEMMA, sentence(generator, 4), sentence(generator, 3), 1),
    ]


def last_block_requests(seed: int) -> list[tuple[str, str, str, int]]:
    generator = _generator(seed, 512)
    return [
        (name, sentence(generator, 4), sentence(generator, 4), N_BLOCKS - 1)
        for name in (LLAMA, GPT2, GEMMA)
    ]


def traces_requests(seed: int) -> list[tuple[str, str, str, int]]:
    generator = _generator(seed, 513)
    return [(name, sentence(generator, 3), sentence(generator, 3), 1) for name in (LLAMA, GPT2)]


def _vectors(
    answer: Callable, requests: list[tuple], seed: int, trained: bool = False
) -> list[dict]:
    calls = []
    for name, positive, negative, layer in requests:
        bench = Bench(name, seed, trained)
        arguments = (bench.model, bench.tokenizer, positive, negative, layer)
        calls.append(_attempt_on(bench, f"{name}, layer {layer}", answer, *arguments))
    return calls


def vector(answer: Callable, seed: int) -> list[dict]:
    return _vectors(answer, vector_requests(seed), seed)


def last_block(answer: Callable, seed: int) -> list[dict]:
    return _vectors(answer, last_block_requests(seed), seed)


def traces(answer: Callable, seed: int) -> list[dict]:
    return _vectors(answer, traces_requests(seed), seed, trained=True)


# caa_vector(model, tokenizer, pairs, layer)


def caa_requests(seed: int) -> list[tuple[str, list[tuple[str, str, str]], int]]:
    """Architecture, pairs, layer; prompts and completions of different lengths, one completion
    without a space before it, one pair twice."""
    generator = _generator(seed, 521)

    def pair(prompt: int, positive: int, negative: int) -> tuple[str, str, str]:
        completions = (f" {sentence(generator, n)}" for n in (positive, negative))
        return sentence(generator, prompt), *completions

    unspaced = sentence(generator, 5), ".", f" {sentence(generator, 1)}"
    twice = pair(2, 3, 1)
    return [
        (LLAMA, [pair(4, 1, 3), pair(2, 2, 1), unspaced], 1),
        (GPT2, [twice, pair(4, 1, 2), twice], 2),
        (GEMMA, [pair(3, 2, 2)], 0),
    ]


def caa_last_requests(seed: int) -> list[tuple[str, list[tuple[str, str, str]], int]]:
    """In the last block; all texts of one length."""
    generator = _generator(seed, 522)
    pairs = [tuple(_even(generator)) for _ in range(3)]
    return [(name, pairs, N_BLOCKS - 1) for name in (LLAMA, GPT2, GEMMA)]


def caa_traces_requests(seed: int) -> list[tuple[str, list[tuple[str, str, str]], int]]:
    generator = _generator(seed, 523)
    return [(name, [tuple(_even(generator)) for _ in range(2)], 1) for name in (LLAMA, GPT2)]


def _even(generator) -> list[str]:
    return [sentence(generator, 4), *(f" {sentence(generator, 1)}" for _ in range(2))]


def _caa(answer: Callable, requests: list[tuple], seed: int, trained: bool = False) -> list[dict]:
    calls = []
    for name, pairs, layer in requests:
        bench = Bench(name, seed, trained)
        arguments = (bench.model, bench.tokenizer, list(pairs), layer)
        calls.append(_attempt_on(bench, f"{name}, layer {layer}", answer, *arguments))
    return calls


def caa(answer: Callable, seed: int) -> list[dict]:
    return _caa(answer, caa_requests(seed), seed)


def caa_last_block(answer: Callable, seed: int) -> list[dict]:
    return _caa(answer, caa_last_requests(seed), seed)


def caa_traces(answer: Callable, seed: int) -> list[dict]:
    return _caa(answer, caa_traces_requests(seed), seed, trained=True)


# steering_hook(vector, strength)


class Stage(nn.Module):
    """Stands for a block: gives back what it is given."""

    def forward(self, x):
        return x


def hook_inputs(seed: int) -> list[tuple[Tensor, float]]:
    generator = _generator(seed, 531)
    return [(_normal(generator, D_MODEL), strength) for strength in (1.5, -0.5, 2.5)]


def tuple_inputs(seed: int) -> list[tuple[Tensor, float, tuple[Tensor, Tensor]]]:
    generator = _generator(seed, 532)
    outputs = [(_normal(generator, 2, n, 5), _normal(generator, 2, 3, n, n)) for n in (4, 1)]
    return [
        (_normal(generator, 5), strength, output)
        for strength, output in zip((2.0, -1.0), outputs, strict=True)
    ]


def dtype_inputs(seed: int) -> list[tuple[Tensor, float, Tensor]]:
    generator = _generator(seed, 533)
    return [
        (_normal(generator, 5).float(), 2.0, _normal(generator, 2, 3, 5).to(dtype))
        for dtype in (torch.bfloat16, torch.float16)
    ]


def _made(answer: Callable, *args) -> tuple[dict, object]:
    """The outcome of a call, and the object itself that it returned."""
    made = []

    @functools.wraps(answer, updated=())
    def build(*args):
        made.append(answer(*args))

    call = attempt(build, *args)
    return call, made[0] if made else None


HOOK_PLACES = ((LLAMA, 1), (GPT2, 2), (GEMMA, N_BLOCKS - 1))


def hook(answer: Callable, seed: int) -> list[dict]:
    """Each hook on a block of a model that reads two prompts and then two tokens, with a cache."""
    calls = []
    for (name, layer), (vector, strength) in zip(HOOK_PLACES, hook_inputs(seed), strict=True):
        call, made = _made(answer, vector.clone(), strength)
        calls.append(call | {"step": "making the hook", "callable": callable(made)})
        if callable(made):
            bench = Bench(name, seed)
            handle = bench.parts.blocks[layer].register_forward_hook(made, prepend=True)
            calls.append(_attempt_on(bench, f"on block {layer} of {name}", _decode, bench))
            handle.remove()
    return calls


def _decode(bench: Bench) -> None:
    ids = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])
    cache = bench.model(ids).past_key_values
    for column in (13, 14):
        bench.model(torch.tensor([[column], [column + 4]]), past_key_values=cache)


def hook_tuples(answer: Callable, seed: int) -> list[dict]:
    return [_staged(answer, v, s, output) for v, s, output in tuple_inputs(seed)]


def hook_dtypes(answer: Callable, seed: int) -> list[dict]:
    calls = [_staged(answer, v, s, output) for v, s, output in dtype_inputs(seed)]
    vector, strength, output = dtype_inputs(seed)[0]
    return [*calls, _staged(answer, vector, strength, output.float().to("meta"))]


def _staged(answer: Callable, vector: Tensor, strength: float, output) -> dict:
    call, made = _made(answer, vector.clone(), strength)
    if not callable(made):
        return call | {"callable": False}
    stage = Stage()
    stage.register_forward_hook(made)
    copy = tuple(x.clone() for x in output) if isinstance(output, tuple) else output.clone()
    kinds = []

    def run():
        result = stage(copy)
        kinds.append(type(result).__name__)
        return result

    return attempt(run) | {"callable": True, "ran": True, "kind": "".join(kinds)}


# LLMSteering(model, tokenizer)


class Session:
    """One object of the answer's class on a bench; ``calls`` notes what came of each step."""

    def __init__(self, answer: type, name: str, seed: int):
        self.bench = Bench(name, seed)
        call, self.object = _made(answer, self.bench.model, self.bench.tokenizer)
        self.calls = [call | {"step": "building it", "passes": [], **self.bench.traces()}]

    def do(self, method: str, *args, **kwargs) -> Session:
        if self.object is not None:
            shown = ", ".join([*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())])
            step = f"{method}({shown})"

            def call():
                result = getattr(self.object, method)(*args, **kwargs)
                return result if method == "generate" else None

            self.calls.append(_attempt_on(self.bench, step, call))
        return self

    def failing(self, error: BaseException, method: str, *args, **kwargs) -> Session:
        self.bench.failing = error
        self.do(method, *args, **kwargs)
        self.bench.failing = None
        return self


def class_vector_requests(seed: int) -> list[tuple[str, str, str, int, tuple]]:
    """Architecture, positive, negative, layer, and the strength where one is given."""
    generator = _generator(seed, 541)
    return [
        (LLAMA, sentence(generator, 3), sentence(generator, 6), 1, (2.0,)),
        (GPT2, sentence(generator, 5), sentence(generator, 2), 2, ()),
        (GEMMA, sentence(generator, 4), sentence(generator, 3), 0, (-1.5,)),
        (LLAMA, sentence(generator, 4), sentence(generator, 4), N_BLOCKS - 1, (3.0,)),
    ]


def class_vector(answer: type, seed: int) -> list[dict]:
    calls = []
    for name, positive, negative, layer, strength in class_vector_requests(seed):
        session = Session(answer, name, seed).do(
            "set_steering", positive, negative, layer, *strength
        )
        calls += session.do("generate", "my dog ran", max_new_tokens=2).calls
    return calls


def class_positions(answer: type, seed: int) -> list[dict]:
    generator = _generator(seed, 542)
    session = Session(answer, GPT2, seed)
    session.do("set_steering", sentence(generator, 3), sentence(generator, 3), 1, strength=2.0)
    session.do("generate", sentence(generator, 5), max_new_tokens=4)
    return session.do("generate", sentence(generator, 4), max_new_tokens=3, num_beams=2).calls


def text_requests(seed: int) -> list[tuple[str, str, dict]]:
    """Architecture, prompt, options of `generate`."""
    generator = _generator(seed, 543)
    names = list(range(3, len(tokens()) - 1))
    some = [names[i] for i in torch.randperm(len(names), generator=generator)[:50].tolist()]
    return [
        (LLAMA, sentence(generator, 4), {"max_new_tokens": 5}),
        (GPT2, sentence(generator, 3), {"max_new_tokens": 4, "suppress_tokens": some}),
        (GEMMA, sentence(generator, 2), {"max_new_tokens": 3, "top_k": 1} | EVERY_OPTION),
    ]


EVERY_OPTION = {
    "do_sample": True,
    "temperature": 0.7,
    "top_p": 0.9,
    "num_beams": 1,
    "repetition_penalty": 1.0,
    "pad_token_id": 0,
    "use_cache": True,
}
DEFAULT_LENGTH = 50


def steered_text_request(seed: int) -> tuple[tuple, str, dict]:
    """What is set, a prompt, options: no other tokens than words behind a space."""
    generator = _generator(seed, 546)
    others = [i for i, token in enumerate(tokens()) if token == "Ġ" or not token.startswith("Ġ")]
    setting = sentence(generator, 3), sentence(generator, 3), 1, 2.0
    return setting, sentence(generator, 4), {"max_new_tokens": 6, "suppress_tokens": others}


def class_text(answer: type, seed: int) -> list[dict]:
    """Unsteered, steered, and with no more than a prompt."""
    calls = []
    for name, prompt, options in text_requests(seed):
        calls += Session(answer, name, seed).do("generate", prompt, **options).calls
    setting, prompt, options = steered_text_request(seed)
    session = Session(answer, LLAMA, seed).do("set_steering", *setting)
    session.do("generate", prompt, **options)
    return calls + session.do("remove_steering").do("generate", "my dog ran").calls


def switch_prompts(seed: int) -> list[tuple[str, str]]:
    generator = _generator(seed, 544)
    return [(sentence(generator, 4), sentence(generator, 4)) for _ in range(3)]


def class_switch(answer: type, seed: int) -> list[dict]:
    """Set, set again (what is set later is read on a block behind the first), removed."""
    first, second, third = switch_prompts(seed)
    session = Session(answer, GEMMA, seed).do("remove_steering")
    session.do("set_steering", *third, 1, -2.0).do("generate", "my dog ran", max_new_tokens=1)
    session.do("set_steering", *first, 2, 1.0).do("generate", "my dog ran", max_new_tokens=1)
    session.do("set_steering", *second, 2, 0.5).do("generate", "my dog ran", max_new_tokens=1)
    session.do("set_steering", *first, 1, 1.5).do("generate", "my dog ran", max_new_tokens=1)
    session.do("remove_steering").do("generate", "my dog ran", max_new_tokens=2)
    session.do("remove_steering")
    return session.do("generate", "the old king", max_new_tokens=1).calls


def class_traces(answer: type, seed: int) -> list[dict]:
    generator = _generator(seed, 545)
    prompts = sentence(generator, 3), sentence(generator, 3)
    session = Session(answer, GPT2, seed).do("set_steering", *prompts, 1)
    session.do("generate", "my dog ran", max_new_tokens=2)
    session.failing(RuntimeError("out of memory"), "generate", "my dog ran", max_new_tokens=5)
    session.failing(Interrupt(), "generate", "my dog ran", max_new_tokens=5)
    return session.do("remove_steering").calls


# actadd_edit(model, tokenizer, positive, negative, layer, strength)


def actadd_requests(seed: int) -> list[tuple[str, str, str, int, float]]:
    generator = _generator(seed, 551)
    return [
        (LLAMA, sentence(generator, 1), sentence(generator, 3), 1, 2.0),
        (GPT2, sentence(generator, 4), sentence(generator, 2), 2, -1.5),
        (GEMMA, sentence(generator, 2), sentence(generator, 3), N_BLOCKS - 1, 0.5),
    ]


def _edited(
    answer: Callable, request: tuple, seed: int, ids: Tensor, new: int, times: int = 1
) -> list[dict]:
    name, positive, negative, layer, strength = request
    bench = Bench(name, seed)
    arguments = (bench.model, bench.tokenizer, positive, negative, layer, strength)
    call, made = _made(answer, *arguments)
    call = call | {"step": "making the edit", "callable": callable(made), **bench.traces()}
    if not callable(made):
        return [call]

    def run() -> None:
        with hooks.edit(bench.model, {("block", layer): made}):
            bench.model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=new, do_sample=False
            )

    step = f"{name}, a prompt of {ids.shape[1]} tokens"
    return [call, *(_attempt_on(bench, step, run) for _ in range(times))]


def _ids(generator, length: int) -> Tensor:
    return torch.randint(3, len(tokens()) - 1, (2, length), generator=generator)


def actadd(answer: Callable, seed: int) -> list[dict]:
    generator = _generator(seed, 552)
    requests = actadd_requests(seed)
    return [c for r in requests for c in _edited(answer, r, seed, _ids(generator, 6), 1)]


def actadd_elsewhere(answer: Callable, seed: int) -> list[dict]:
    """Prompts of two words, the first ones different: nothing is padded, no row is zero."""
    generator = _generator(seed, 553)
    positive = negative = sentence(generator, 2)
    while positive.split()[0] == negative.split()[0]:
        negative = sentence(generator, 2)
    request = (GPT2, positive, negative, 1, 2.0)
    return _edited(answer, request, seed, _ids(generator, 5), 3, times=2)


def actadd_short(answer: Callable, seed: int) -> list[dict]:
    generator = _generator(seed, 554)
    request = (GPT2, sentence(generator, 4), sentence(generator, 4), 1, 1.0)
    return [
        call
        for length in (4, 3, 1)
        for call in _edited(answer, request, seed, _ids(generator, length), 1)
    ]


# slerp(a, b, t)


def _call_each(answer: Callable, inputs: list[tuple]) -> list[dict]:
    copies = [[x.clone() if isinstance(x, Tensor) else x for x in args] for args in inputs]
    return [attempt(answer, *args) for args in copies]


def slerp_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 561)
    a, b = 3 * _normal(generator, 6), _normal(generator, 6) / 2
    c, d = (_normal(generator, 40).float() * s for s in (1.0, 8.0))
    e = torch.tensor([0.0, 2.0, 0.0], dtype=torch.float64)
    f = torch.tensor([0.5, 0.0, 0.0], dtype=torch.float64)
    acute, obtuse = (b, -b) if a @ b > 0 else (-b, b)
    ordinary = [(a, acute, 0.5), (a, acute, 0.2), (a, obtuse, 0.3), (c, d, 0.75), (e, f, 0.5)]
    nearly = [(a, _turned(a, b, angle), 0.4) for angle in (0.15, 3.0)]
    return [*ordinary, (a, b, 0.0), (a, b, 1.0), *nearly]


NEARLY = 2
"""The last inputs: nearly the same direction, and nearly opposite."""


def _turned(a: Tensor, b: Tensor, angle: float) -> Tensor:
    """A vector at this angle to a, towards b, four times as long."""
    across = b - (a @ b) / (a @ a) * a
    across = across / across.norm() * a.norm()
    return 4 * (math.cos(angle) * a + math.sin(angle) * across)


def colinear_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 562)
    a, b = _normal(generator, 6), _normal(generator, 40).float()
    return [(a, 2.5 * a, 0.5), (b, 3 * b, 0.25), (a, a, 0.3)]


def refused_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 563)
    a, b = _normal(generator, 6), _normal(generator, 40).float()
    opposite = [(a, -a, 0.5), (a, -2.5 * a, 0.3), (b, -3 * b, 0.5)]
    return [*opposite, (0 * a, a, 0.5), (a, 0 * a, 0.25)]


def slerp(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, slerp_inputs(seed))


def slerp_colinear(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, colinear_inputs(seed))


def slerp_refused(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, refused_inputs(seed))


# share_of_kind(texts, wanted, other)

GOOD, BAD = ("kind", "warm", "bright", "fine"), ("cruel", "cold", "dull", "rude")
PLAIN = ("the", "room", "was", "and", "we", "saw")


def _mixed(generator, good: int, bad: int, plain: int) -> str:
    def some(words: tuple[str, ...], count: int) -> list[str]:
        return [words[i] for i in torch.randint(len(words), (count,), generator=generator).tolist()]

    said = some(GOOD, good) + some(BAD, bad) + some(PLAIN, plain)
    return " ".join(said[i] for i in torch.randperm(len(said), generator=generator).tolist())


def _any_mixed(generator) -> str:
    return _mixed(generator, *torch.randint(10, (3,), generator=generator).tolist())


def score_inputs(seed: int) -> list[tuple]:
    generator = _generator(seed, 571)
    few = [_mixed(generator, 1, 0, 4), _mixed(generator, 2, 6, 5), _mixed(generator, 0, 0, 3)]
    return [
        (few, list(GOOD), list(BAD)),
        ([_mixed(generator, 3, 1, 6)], list(GOOD), list(BAD)),
        ([_mixed(generator, 0, 3, 2), _mixed(generator, 0, 1, 2)], frozenset(GOOD), frozenset(BAD)),
        ([_any_mixed(generator) for _ in range(4)], list(GOOD), list(BAD)),
    ]


SPELLINGS = ("punctuation", "substring", "case", "hyphen", "inside", "white-space", "other-ends")


def spelling_inputs(seed: int) -> list[tuple]:
    """What may go wrong in finding words, in the order of SPELLINGS."""
    generator = _generator(seed, 572)
    a, b, c = (GOOD[i] for i in torch.randperm(4, generator=generator)[:3].tolist())
    d, e = (BAD[i] for i in torch.randperm(4, generator=generator)[:2].tolist())
    return [
        ([f'It was {a}, {b}; and {d}. "{c}!" said the {e}?'], list(GOOD), list(BAD)),
        ([f"{a} {a} {d}ly un{b} {c}ness {d} {d}er"], list(GOOD), list(BAD)),
        ([f"Frank was {a} and frank, but {d} {e} frank"], [*GOOD, "Frank"], list(BAD)),
        ([f"a well-kept room, {a} and {d} {e}"], [*GOOD, "well-kept"], list(BAD)),
        ([f"{a} {d} {d} {a},{b} or {c}:{c} {a[:2]}:{a[2:]}"], list(GOOD), list(BAD)),
        ([f"{a}\n{d}\t{e} {b}"], list(GOOD), list(BAD)),
        ([f"{a} ({b}) '{c}' {d} -{e} {d}"], list(GOOD), list(BAD)),
    ]


def empty_inputs(seed: int) -> list[tuple]:
    """No word that counts, and a word that is on both lists."""
    generator = _generator(seed, 573)
    plain = _mixed(generator, 0, 0, 5)
    good = int(torch.randint(1, 6, (), generator=generator))
    bad = good + int(torch.randint(1, 5, (), generator=generator))
    both = [" ".join(["fine", *good * GOOD[:1], "fine fine", *bad * BAD[:1]]), "fine"]
    return [
        ([plain], list(GOOD), list(BAD)),
        (both, list(GOOD), [*BAD, "fine"]),
        ([], list(GOOD), list(BAD)),
    ]


def score(answer: Callable, seed: int) -> list[dict]:
    return _call_each(lenient(answer), score_inputs(seed))


def score_spelling(answer: Callable, seed: int) -> list[dict]:
    return _call_each(lenient(answer), spelling_inputs(seed))


def score_empty(answer: Callable, seed: int) -> list[dict]:
    return _call_each(lenient(answer), empty_inputs(seed))
