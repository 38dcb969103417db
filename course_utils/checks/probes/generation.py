"""Probes and inputs for ``sampling.generate``, on the scripted language model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from course_utils.checks.probes import scripted
from course_utils.checks.probes.guard import attempt, random_state, scramble

TOKENS = scripted.tokens()
END = TOKENS.index(scripted.END)
FIRST_WORD = 2 + len(scripted.PROMPT_WORDS)
WORDS = range(FIRST_WORD, FIRST_WORD + len(scripted.COLORS))
MANY_WORDS = range(FIRST_WORD, FIRST_WORD + 160)
NEWLINE, COMMA, PERIOD, EXCLAMATION, QUESTION, CAFE, ACUTE = range(END - 7, END)
PROMPT_IDS = range(2, FIRST_WORD)
PEAK = 60.0  # a logit so far above the others that any sampling finds it
NEVER = -100.0
MARGIN = 1e-3


@lru_cache
def _tokenizer():
    return scripted.make_tokenizer()


@dataclass(frozen=True, eq=False)
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
    the, cat = PROMPT_IDS[:2]
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
        _follows(more[:4], "Once more", 0, generator),
        _follows(
            [a, PERIOD, b, NEWLINE, *more[:1], EXCLAMATION, *more[1:2], QUESTION, *more[2:5]],
            " cat sat on a mat\n",
            9,
            generator,
        ),
        _follows(more[:6], "The cat sat on a mat\n" * 6, 3, generator),
        _follows([the, cat, a, the, cat, b], "The cat", 5, generator),
    ]


def stopping_requests(seed: int) -> list[Request]:
    """The last one leaves a choice: the end token or a word, one as likely as the other."""
    generator = _generator(seed, 32)
    a, b, c, *more = _words(generator, 12)
    return [
        _follows([a, b, END, *more], "The cat sat", 8, generator),
        _follows([END, c, *more], "Once more", 5, generator),
        _follows([a, b, c, END, *more], "The cat", 4, generator, top_k=5, top_p=0.9),
        _follows([c, a, b, END, *more], "The cat", 4, generator),
        _follows([a, b, c, *more], scripted.END + "Once more", 5, generator),
        Request(_end_or_word(), 2, "The cat", 120),
    ]


def _end_or_word() -> Tensor:
    row = torch.full((len(TOKENS),), NEVER)
    row[list(WORDS)] = 0.0
    row[END] = math.log(len(WORDS))
    return row.expand(scripted.RULES, -1)


def _spread(generator, spread: float, **options) -> tuple[Tensor, int]:
    """A table of unlike distributions over the words, clear of the top-p boundary.

    ``spread`` is the standard deviation of the logits after the temperature.
    """
    spread *= options.get("temperature", 1.0)
    table = torch.full((scripted.RULES, len(TOKENS)), NEVER * max(1.0, spread))
    close = torch.ones(scripted.RULES, dtype=torch.bool)
    words = slice(WORDS[0], WORDS[-1] + 1)
    while close.any():
        table[close, words] = spread * torch.randn(
            int(close.sum()), len(WORDS), generator=generator
        )
        close = _near_boundary(table[:, words].double(), **options)
    return table, _key(generator)


def _key(generator) -> int:
    return int(torch.randint(2, scripted.RULES, (), generator=generator))


def _long_tail(generator) -> tuple[Tensor, int]:
    """A table in which half of the probability is on 8 of MANY_WORDS, half on the others."""
    row = torch.randn(len(MANY_WORDS), generator=generator) / 10
    row[:8] += math.log(len(MANY_WORDS) / 8 - 1)
    return _rolled(row, generator), _key(generator)


def _flat(generator) -> tuple[Tensor, int]:
    """A table in which MANY_WORDS are almost equally likely."""
    row = torch.randn(len(MANY_WORDS), generator=generator) / 4
    return _rolled(row, generator), _key(generator)


def _rolled(row: Tensor, generator) -> Tensor:
    """The row for MANY_WORDS, turned by another number of places in each rule."""
    table = torch.full((scripted.RULES, len(TOKENS)), NEVER)
    turns = torch.randint(len(row), (scripted.RULES, 1), generator=generator)
    table[:, MANY_WORDS[0] : MANY_WORDS[-1] + 1] = row[(torch.arange(len(row)) + turns) % len(row)]
    return table


def _near_boundary(
    table: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    if top_p is None:
        return torch.zeros(len(table), dtype=torch.bool)
    sums = (table / temperature).sort(descending=True).values[:, :top_k].softmax(-1).cumsum(-1)
    return ((sums - top_p).abs() < MARGIN).any(-1)


def _samples(settings: list[tuple[int, tuple[Tensor, int], dict]]) -> list[Request]:
    """Requests for so many tokens, with this table and key, and with these options."""
    prompts = ("The cat sat", "Once more", "The cat")
    return [
        Request(*table_and_key, prompts[i % 3], count, options | {"seed": 11 + i})
        for i, (count, table_and_key, options) in enumerate(settings)
    ]


def temperature_requests(seed: int) -> list[Request]:
    generator = _generator(seed, 33)
    cold, hot = {"temperature": 0.1}, {"temperature": 9.0}
    return _samples(
        [
            (160, _long_tail(generator), {}),
            (50, _spread(generator, 2.0, **cold), cold),
            (40, _spread(generator, 1.4, **hot), hot),
        ]
    )


def filters_requests(seed: int) -> list[Request]:
    generator = _generator(seed, 34)
    warm = {"temperature": 3.0, "top_p": 0.9}
    both = {"temperature": 2.0, "top_k": 5, "top_p": 0.7}
    return _samples(
        [
            (70, _spread(generator, 0.8, **warm), warm),
            (70, _spread(generator, 0.8, **both), both),
            (40, _spread(generator, 0.3, top_k=3), {"top_k": 3}),
            (8, _spread(generator, 0.3, top_k=1), {"top_k": 1}),
            (40, _flat(generator), {"top_k": 40}),
        ]
    )


SEEDS = (7, 7, None, 0, 1, 2, 3)


def seeds_requests(seed: int) -> list[Request]:
    """The same nearly even distribution after every text; only the seed differs."""
    generator = _generator(seed, 35)
    table, key = _flat(generator)
    table = table[:1].expand(scripted.RULES, -1)
    return [
        Request(table, key, "The cat sat", 6, {} if number is None else {"seed": number})
        for number in SEEDS
    ]


def _call_each(answer: Callable, requests: list[Request]) -> list[dict]:
    """Each outcome, with what else was seen.

    ``passes``: how often the model was called, or None where it ran on; ``training``: whether it
    ran or was left in training mode; ``disturbed``: whether a global random state was changed.
    """
    model, tokenizer = scripted.ScriptedLM(), scripted.make_tokenizer()
    return [_call(answer, model, tokenizer, request, i) for i, request in enumerate(requests)]


def _call(
    answer: Callable, model: scripted.ScriptedLM, tokenizer, request: Request, number: int
) -> dict:
    most_passes = 4 * (request.max_new_tokens + len(request.prompt_ids)) + 20
    model.begin(request.table.clone(), request.key, most_passes)
    scramble(number + 1)
    before = random_state()
    arguments = (model, tokenizer, request.prompt, request.max_new_tokens)
    outcome = attempt(answer, *arguments, **request.options)
    ran_on = outcome.get("error") == "RanOn" or model.passes > model.most_passes
    return outcome | {
        "passes": None if ran_on else model.passes,
        "training": model.trained or model.training,
        "disturbed": random_state() != before,
    }


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
