"""Probes and inputs for ``sampling.generate``, on the scripted language model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from course_utils.checks.probes import scripted
from course_utils.checks.probes.guard import attempt, scramble

TOKENS = scripted.tokens()
END, FIRST_WORD = 0, 1 + len(scripted.PROMPT_WORDS)
WORDS = range(FIRST_WORD, FIRST_WORD + len(scripted.WORDS))
NEWLINE, COMMA, CAFE, ACUTE = range(len(TOKENS) - 4, len(TOKENS))
PEAK = 60.0  # a logit so far above the others that any sampling finds it
NEVER = -100.0
MARGIN = 1e-3


@lru_cache
def _tokenizer():
    return scripted.make_tokenizer()


@dataclass(frozen=True)
class Request:
    """One call of ``generate``: the model's table and the arguments."""

    table: Tensor
    key: int
    prompt: str
    max_new_tokens: int
    options: dict = field(default_factory=dict)

    @cached_property
    def prompt_ids(self) -> list[int]:
        return _tokenizer().encode(self.prompt)


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


def _words(generator, count: int) -> list[int]:
    """Words at random, neighbours different."""
    steps = torch.randint(1, len(WORDS), (count,), generator=generator)
    return [WORDS[i] for i in (steps.cumsum(0) % len(WORDS)).tolist()]


def _follows(script: list[int], prompt: str, max_new_tokens: int, generator, **options) -> Request:
    """A request whose model goes through the script, with peaked logits everywhere."""
    ids = _tokenizer().encode(prompt) + script
    table = torch.zeros(scripted.RULES, len(TOKENS))
    table[range(scripted.RULES), _words(generator, scripted.RULES)] = PEAK
    while True:
        key = int(torch.randint(2, scripted.RULES, (), generator=generator))
        rules = scripted.rule(torch.tensor(ids), key)
        if len(rules.unique()) == len(rules):
            break
    before = rules[len(ids) - len(script) - 1 : -1]
    table[before] = 0.0
    table[before, script] = PEAK
    return Request(table, key, prompt, max_new_tokens, options)


def continuation_requests(seed: int) -> list[Request]:
    generator = _generator(seed, 31)
    a, b, *more = _words(generator, 14)
    return [
        _follows([a, CAFE, ACUTE, COMMA, b, NEWLINE, *more[:4]], "The cat sat", 6, generator),
        _follows(more[:4], "Once more", 1, generator),
        _follows(
            more[4:8], "The cat sat on a mat", 3, generator, temperature=0.7, top_k=1, top_p=0.9
        ),
        _follows(
            [*more, NEWLINE, COMMA],
            "The cat",
            12,
            generator,
            temperature=1.0,
            top_k=None,
            top_p=None,
            seed=5,
        ),
    ]


def stopping_requests(seed: int) -> list[Request]:
    generator = _generator(seed, 32)
    a, b, c, *more = _words(generator, 12)
    return [
        _follows([a, b, END, *more], "The cat sat", 8, generator),
        _follows([END, c, *more], "Once more", 5, generator),
        _follows([a, b, c, END, *more], "The cat", 4, generator, top_k=5, top_p=0.9),
        _follows([c, a, b, END, *more], "The cat", 4, generator),
    ]


def _spread(generator, spread: float, **options) -> tuple[Tensor, int]:
    """A table of unlike distributions over the words, clear of the top-p boundary.

    ``spread`` is the standard deviation of the logits after the temperature.
    """
    spread *= options.get("temperature", 1.0)
    table = torch.full((scripted.RULES, len(TOKENS)), NEVER * max(1.0, spread))
    close = torch.ones(scripted.RULES, dtype=torch.bool)
    while close.any():
        table[close, FIRST_WORD : FIRST_WORD + len(WORDS)] = spread * torch.randn(
            int(close.sum()), len(WORDS), generator=generator
        )
        close = _near_boundary(table.double(), **options)
    return table, int(torch.randint(2, scripted.RULES, (), generator=generator))


def _near_boundary(
    table: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    if top_p is None:
        return torch.zeros(len(table), dtype=torch.bool)
    sums = (table / temperature).sort(descending=True).values[:, :top_k].softmax(-1).cumsum(-1)
    return ((sums - top_p).abs() < MARGIN).any(-1)


def _samples(seed: int, stream: int, settings: list[tuple[int, float, dict]]) -> list[Request]:
    """Requests for so many tokens, with logits spread so far, and with these options."""
    generator = _generator(seed, stream)
    prompts = ("The cat sat", "Once more", "The cat")
    return [
        Request(*_spread(generator, spread, **options), prompt, count, options | {"seed": 11 + i})
        for i, (prompt, (count, spread, options)) in enumerate(zip(prompts, settings, strict=True))
    ]


def temperature_requests(seed: int) -> list[Request]:
    settings = [(30, 1.4, {}), (80, 1.4, {"temperature": 0.1}), (80, 1.4, {"temperature": 9.0})]
    return _samples(seed, 33, settings)


def filters_requests(seed: int) -> list[Request]:
    settings = [
        (70, 0.8, {"temperature": 3.0, "top_p": 0.9}),
        (80, 0.8, {"temperature": 2.0, "top_k": 5, "top_p": 0.7}),
        (80, 0.3, {"top_k": 3}),
    ]
    return _samples(seed, 34, settings)


SEEDS = (7, 7, None, 0, 1, 2, 3)


def seeds_requests(seed: int) -> list[Request]:
    """The same nearly even distribution after every text; only the seed differs."""
    generator = _generator(seed, 35)
    row = torch.full((len(TOKENS),), NEVER)
    row[FIRST_WORD : FIRST_WORD + 8] = torch.randn(8, generator=generator) / 4
    table = row.expand(scripted.RULES, -1).clone()
    return [
        Request(table, 2, "The cat sat", 16, {} if number is None else {"seed": number})
        for number in SEEDS
    ]


def _call_each(answer: Callable, requests: list[Request]) -> list[dict]:
    """Each outcome, with ``passes``: how often the model was called, or None where it ran on."""
    return [_call(answer, request, i) for i, request in enumerate(requests)]


def _call(answer: Callable, request: Request, number: int) -> dict:
    model = scripted.ScriptedLM(request.table.clone(), request.key)
    tokenizer = scripted.make_tokenizer()
    model.begin(most_passes=4 * (request.max_new_tokens + len(request.prompt_ids)) + 20)
    scramble(number + 1)
    arguments = (model, tokenizer, request.prompt, request.max_new_tokens)
    outcome = attempt(answer, *arguments, **request.options)
    ran_on = outcome.get("error") == "RanOn" or model.passes > model.most_passes
    return outcome | {"passes": None if ran_on else model.passes}


def continuation(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, continuation_requests(seed))


def stopping(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, stopping_requests(seed))


def temperature(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, temperature_requests(seed))


def filters(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, filters_requests(seed))


def seeds(answer: Callable, seed: int) -> list[dict]:
    return _call_each(answer, seeds_requests(seed))
