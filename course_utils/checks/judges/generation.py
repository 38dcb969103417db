"""Judges of ``sampling.generate``.

Where the model leaves no choice, the text is compared. Where it does, the oracle is the right
distribution in float64: an answer is refused if it drew a token of probability 0, or if what it
drew is ``EVIDENCE`` times (in nats) more likely under a misconception. For a right answer a
likelihood ratio has mean 1, so by Markov's inequality it exceeds exp(18) with probability at most
2e-8 for each of the misconceptions tried.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import generation as probes
from course_utils.checks.probes import scripted
from course_utils.checks.probes.generation import END, Request

EVIDENCE = 18.0
MOST_BEFORE_END = 31  # tokens, where every other one is the end token
HANDICAP = {  # in nats: vague, so they have to explain more
    "scale/wrong-temperature": 5.0,
    "scale/clamps-the-temperature": 5.0,
}
PUNCTUATION = tuple(".,!?\n")
INF = torch.inf

SENTENCES = {
    "sampling.generate": {
        "result/returns-prompt-too": (
            "The result begins with the prompt.",
            "Decode the new tokens only: ids[prompt_length:].",
        ),
        "result/returns-token-ids": (
            "The result is token ids, not text.",
            "tokenizer.decode turns ids into text.",
        ),
        "result/raw-tokens": (
            "The result is the tokenizer's own spelling of the tokens.",
            "Use tokenizer.decode: it turns them back into text.",
        ),
        "result/list-of-texts": (
            "The result is a list of texts.",
            "tokenizer.decode of one list of ids gives one text; batch_decode gives a list.",
        ),
        "text/strips-white-space": (
            "White space at the beginning or end of the continuation is lost.",
            "The space before a word belongs to its token: no strip().",
        ),
        "text/decodes-token-by-token": (
            "Characters that span two tokens are broken: each token was decoded alone.",
            "Collect the ids and decode them together at the end.",
        ),
        "text/cuts-at-wrong-token": (
            "The text begins one token too late or too early.",
            "The new tokens begin at ids[prompt_length].",
        ),
        "text/cuts-prompt-everywhere": (
            "The prompt's text is cut out wherever it stands, also in the continuation.",
            "Cut token ids instead of text: ids[prompt_length:].",
        ),
        "text/joins-with-spaces": (
            "Spaces are put between the tokens.",
            "Tokens bring their own spaces: decode all ids at once.",
        ),
        "length/one-too-many": (
            "One token more than max_new_tokens is generated.",
            "Count the passes through the loop.",
        ),
        "length/one-too-few": (
            "One token less than max_new_tokens is returned.",
            "Count the passes through the loop; is the last token appended?",
        ),
        "length/at-least-one": (
            "max_new_tokens = 0 gives a token.",
            "range(max_new_tokens) is right for 0 as well.",
        ),
        "length/counts-the-prompt": (
            "max_new_tokens is taken as the length with the prompt.",
            "Count new tokens only.",
        ),
        "length/one-token": (
            "Only one token is returned.",
            "Is the return inside the loop, or only the last token kept?",
        ),
        "length/other": (
            "The text does not have max_new_tokens tokens, though no end token was likely.",
            "Only the end token and the count end the loop.",
        ),
        "stop/ignores-max-new-tokens": (
            "The model is called on and on: max_new_tokens does not stop the loop.",
            "for _ in range(max_new_tokens).",
        ),
        "stop/loops-at-end-token": (
            "When the end token is drawn, the loop goes on for ever.",
            "Leave the loop with break; continue draws again.",
        ),
        "stop/skips-end-token": (
            "When the end token is drawn it is left out, and the loop goes on.",
            "Leave the loop with break; continue draws again.",
        ),
        "stop/end-token-in-prompt": (
            "An end token in the prompt ends the text.",
            "Look at the drawn token alone, not at all ids.",
        ),
        "stop/at-punctuation": (
            "The text ends at a full stop, a new line or another such mark.",
            "Only the end token and the count end the loop.",
        ),
        "stop/includes-end-token": (
            "The end token is part of the result.",
            "Look at the drawn token before appending it.",
        ),
        "stop/ignores-end-token": (
            "The text goes on after the end token.",
            "Compare the drawn token with tokenizer.eos_token_id by == and leave the loop; `is`, a "
            "number of your own or the pad token's id will not do.",
        ),
        "stop/drops-last-token": (
            "The last token is cut off whether or not it is the end token.",
            "Leave the loop before appending the end token; then nothing has to be cut.",
        ),
        "stop/fails-on-empty-continuation": (
            "It fails when the end token is the first token drawn.",
            'The continuation is "" then: does your code take an empty list?',
        ),
        "stop/returns-nothing": (
            "Nothing is returned when the end token is drawn.",
            "Leave the loop with break and return the text after it.",
        ),
        "stop/discards-the-text": (
            "When the end token is drawn, the text so far is lost.",
            "Leave the loop with break and return the text after it.",
        ),
        "context/logits-of-wrong-position": (
            "The next token is drawn from the logits of another position than the last.",
            "logits[0, -1] predicts what follows the last token.",
        ),
        "context/new-tokens-not-fed-back": (
            "Every step sees the prompt alone: drawn tokens are not fed back.",
            "Append each drawn token to the ids before the next step.",
        ),
        "context/earlier-tokens-lost": (
            "A step sees the latest token alone, not the text before it.",
            "Give the model all ids, or the latest one with past_key_values.",
        ),
        "context/prompt-changed": (
            "The model is not given the prompt as it is: white space or capital letters are lost.",
            "No strip() and no lower(): tokenizer(prompt).",
        ),
        "context/cut": (
            "The model is not given the whole text, only so many tokens of it.",
            "Give the model all ids.",
        ),
        "context/positions-restart": (
            "With the cache, the positions of new tokens begin at 0 again.",
            "Leave position_ids to the model, or go on counting after the prompt.",
        ),
        "context/cache-fed-twice": (
            "The model gets all ids and a cache that already holds them.",
            "With past_key_values give the new token only; without, all ids.",
        ),
        "cost/too-many-forward-passes": (
            "The model is called more often than once per token.",
            "One call gives the logits for the next token: keep them.",
        ),
        "sampling/always-greedy": (
            "The most likely token is always taken.",
            "Draw: torch.multinomial(probabilities, 1).",
        ),
        "sampling/first-token-greedy": (
            "The first token is always the most likely one.",
            "Draw every token, the first one too.",
        ),
        "sampling/best-of-several": (
            "Several tokens are drawn and the most likely one is taken.",
            "One draw for each token: torch.multinomial(probabilities, 1).",
        ),
        "sampling/uniform": (
            "The kept tokens are drawn with equal probability.",
            "Draw with their probabilities: torch.multinomial(probabilities, 1).",
        ),
        "scale/ignores-temperature": (
            "The temperature has no effect.",
            "Divide the logits by it first.",
        ),
        "scale/multiplies-by-temperature": (
            "The logits are multiplied by the temperature.",
            "Divide by it.",
        ),
        "scale/temperature-twice": (
            "The temperature is applied twice.",
            "After dividing the logits, take the softmax with temperature 1.",
        ),
        "scale/greedy-at-low-temperature": (
            "At a low temperature the most likely token is always taken.",
            "Divide the logits by the temperature and draw, however low it is.",
        ),
        "scale/clamps-the-temperature": (
            "A high or a low temperature is replaced by another.",
            "Divide the logits by the temperature itself.",
        ),
        "defaults/temperature": (
            "Without a temperature, another one than 1 is used.",
            "The signature says temperature=1.0.",
        ),
        "defaults/top-k": (
            "Without top_k, only the most likely tokens are kept.",
            "None means no filter: if top_k is not None. The signature says top_k=None.",
        ),
        "defaults/top-p": (
            "Without top_p, the tail is cut off all the same.",
            "None means no filter: if top_p is not None. The signature says top_p=None.",
        ),
        "scale/wrong-temperature": (
            "The tokens are drawn at another temperature.",
            "Divide the logits by the temperature itself, once.",
        ),
        "scale/softmax-twice": (
            "Probabilities go through a softmax again.",
            "The softmax comes once, after the filters, which take logits.",
        ),
        "scale/filters-given-probabilities": (
            "The filters are given probabilities instead of logits.",
            "The softmax comes last.",
        ),
        "order/top-p-before-temperature": (
            "top-p comes before the temperature.",
            "Temperature, then top-k, then top-p: top-p sees the scaled distribution.",
        ),
        "order/top-p-before-top-k": (
            "top-p comes before top-k.",
            "Temperature, then top-k, then top-p: top-p sees what top-k left, renormalized.",
        ),
        "filter/ignores-top-k": ("top_k has no effect.", "Is the filtered result used?"),
        "filter/ignores-top-p": ("top_p has no effect.", "Is the filtered result used?"),
        "filter/ignores-both": (
            "top_k and top_p have no effect.",
            "Is the filtered result used?",
        ),
        "filter/either-or": (
            "top_k and top_p are not used together.",
            "Two ifs, not if and else.",
        ),
        "filter/fixed-cap": (
            "However large top_k is, no more than a fixed number of tokens is kept.",
            "Give top_k to the filter as it is.",
        ),
        "filter/wrong-boundary": (
            "A filter keeps one token too many or too few.",
            "Use your own top_k_filter and top_p_filter, once their checks pass.",
        ),
        "filter/draws-dropped-tokens": (
            "A token was drawn that the filters drop.",
            "Draw from the softmax of the filtered logits.",
        ),
        "sampling/wrong-frequencies": (
            "The tokens are drawn with other probabilities than they should be.",
            "Print the probabilities that you draw from, for one step.",
        ),
        "seed/ignores-seed": (
            "The same seed gives different texts.",
            "Make a torch.Generator with this seed in the function and draw with it.",
        ),
        "seed/always-the-same": (
            "Every seed gives the same text.",
            "Use the argument seed where the generator is made.",
        ),
        "seed/global-random-state": (
            "The function changes the global random state: what other cells draw changes with it.",
            "Draw with the generator: torch.multinomial(…, generator=generator), no manual_seed.",
        ),
        "model/left-in-training-mode": (
            "The model runs or is left in training mode.",
            "Leave out model.train(): load_lm gives a model in evaluation mode.",
        ),
        "seed/reseeds-inside-the-loop": (
            "Every token of a text is drawn with the same random number.",
            "Make the generator once, before the loop.",
        ),
        "seed/default": (
            "Without a seed the text is not that of seed 0.",
            "The signature says seed=0.",
        ),
        "seed/some-seeds-alike": (
            "Some seeds give the same text.",
            "Use the seed as it is.",
        ),
    }
}


# Text where the model leaves no choice.


def continuation(calls: list[dict], seed: int) -> Refusal | None:
    return _texts(calls, probes.continuation_requests(seed)) or _training(calls)


def _training(calls: list[dict]) -> Refusal | None:
    if any(call["training"] for call in calls):
        return Refusal("model/left-in-training-mode", "model.training False", "True")
    return None


def stopping(calls: list[dict], seed: int) -> Refusal | None:
    *certain, by_chance = probes.stopping_requests(seed)
    return _texts(calls[:-1], certain) or _goes_on(calls[-1], by_chance)


def _goes_on(call: dict, request: Request) -> Refusal | None:
    """A refusal for too many tokens where every other token is the end token."""
    if not isinstance(call.get("value"), str):
        return _unexplained(call, request)
    count = len(_ids(call["value"]) or [])
    if count > MOST_BEFORE_END:
        return Refusal(
            "stop/skips-end-token",
            "a token or two, where the end token is as likely as all others together",
            f"{count} tokens",
        )
    return None


def _texts(calls: list[dict], requests: list[Request]) -> Refusal | None:
    wrong = [i for i, call in enumerate(calls) if call.get("value") != _text(requests[i])]
    if not wrong:
        return _cost(calls, requests)
    call, request = calls[wrong[0]], requests[wrong[0]]
    refusal = _unexplained(call, request)
    slug = _text_slug(calls, requests, wrong)
    return Refusal(slug, refusal.expected, refusal.seen) if slug else refusal


def _unexplained(call: dict, request: Request) -> Refusal:
    expected = f"{_text(request)!r} after {request.prompt!r}"
    if call["passes"] is None:
        return Refusal("stop/ignores-max-new-tokens", expected, "more and more forward passes")
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    if isinstance(call["value"], str):
        return Refusal("value/wrong", expected, common.excerpt(call["value"]))
    return _wrong_type(call["value"], expected)


def _wrong_type(value: object, expected: str) -> Refusal:
    integers = isinstance(value, Tensor) or (
        isinstance(value, list) and value and all(isinstance(x, int | list) for x in value)
    )
    if integers:
        return Refusal("result/returns-token-ids", expected, "token ids")
    if isinstance(value, list) and value and all(isinstance(x, str) for x in value):
        return Refusal("result/list-of-texts", expected, common.excerpt(str(value)))
    return common.wrong_type(value, expected) or Refusal("result/wrong-type", expected, "a tensor")


def _cost(calls: list[dict], requests: list[Request]) -> Refusal | None:
    """A refusal for more forward passes than tokens; the prompt may go in token by token."""
    for call, request in zip(calls, requests, strict=True):
        most = request.max_new_tokens + len(request.prompt_ids) + 1
        if call["passes"] is None or call["passes"] > most:
            return Refusal(
                "cost/too-many-forward-passes",
                f"at most {request.max_new_tokens + 1} forward passes for "
                f"{request.max_new_tokens} tokens",
                "far more" if call["passes"] is None else f"{call['passes']}",
            )
    return None


def _text_slug(calls: list[dict], requests: list[Request], wrong: list[int]) -> str:
    ran_on = [i for i in wrong if calls[i]["passes"] is None]
    if ran_on:
        at_end = all(_ends(requests[i]) for i in ran_on)
        return "stop/loops-at-end-token" if at_end else "stop/ignores-max-new-tokens"
    best, best_score = "", (0, 0)
    for slug, candidate in TEXTS:
        agree = [
            call.get("value") == candidate(request)
            for call, request in zip(calls, requests, strict=True)
        ]
        score = sum(agree[i] for i in wrong), sum(agree)
        if score[0] and score > best_score:
            best, best_score = slug, score
    if best_score[0] == len(wrong):
        return best
    if all(END in requests[i].prompt_ids for i in wrong):
        return "" if calls[wrong[0]]["outcome"] == "raised" else "stop/end-token-in-prompt"
    if all(_stops_at_punctuation(calls[i].get("value"), requests[i]) for i in wrong):
        return "stop/at-punctuation"
    if best:
        return best
    empty = [i for i in wrong if _text(requests[i]) == ""]
    if empty == wrong and calls[wrong[0]]["outcome"] == "raised":
        return "stop/fails-on-empty-continuation"
    if all(_ends(requests[i]) for i in wrong) and all(
        calls[i].get("value", 0) is None for i in wrong
    ):
        return "stop/returns-nothing"
    return ""


def _stops_at_punctuation(value: object, request: Request) -> bool:
    """Whether the text ends early, right before or after a punctuation mark or a new line."""
    text = _text(request)
    if not isinstance(value, str) or value == text or not text.startswith(value):
        return False
    return value[-1:] in PUNCTUATION or text[len(value)] in PUNCTUATION


def _ends(request: Request) -> bool:
    return END in _path(request, request.max_new_tokens, stop=False)


def _path(
    request: Request,
    count: int,
    stop: bool = True,
    context: Callable[[list[int], list[int]], list[int]] = lambda prompt, new: prompt + new,
    positions: Callable[[list[int], list[int]], list[int]] | None = None,
) -> list[int]:
    """The most likely new tokens, up to and without the end token where ``stop``."""
    new: list[int] = []
    for _ in range(count):
        ids = torch.tensor(context(request.prompt_ids, new))
        places = torch.tensor(positions(request.prompt_ids, new)) if positions else None
        token = int(request.table[scripted.rule(ids, request.key, places)[-1]].argmax())
        if stop and token == END:
            break
        new.append(token)
    return new


@lru_cache
def _tokenizer():
    return scripted.make_tokenizer()


def _decode(ids: list[int]) -> str:
    return _tokenizer().decode(ids)


def _text(request: Request) -> str:
    return _decode(_path(request, request.max_new_tokens))


def _text_of(change: Callable[[list[int], Request], object]):
    """A candidate made from the right ids."""
    return lambda request: change(_path(request, request.max_new_tokens), request)


def _text_in(context: Callable[[list[int], list[int]], list[int]], positions=None):
    """A candidate whose model sees another context, or other positions."""
    return lambda request: _decode(
        _path(request, request.max_new_tokens, context=context, positions=positions)
    )


def _restarting(prompt: list[int], new: list[int]) -> list[int]:
    return [*range(len(prompt)), *[0] * len(new)]


def _text_after(change: Callable[[str], str]):
    """A candidate that gives the model a changed prompt."""
    return lambda request: _text(replace(request, prompt=change(request.prompt)))


def _longer(count: int):
    return lambda request: _decode(_path(request, request.max_new_tokens + count))


def _each(ids: list[int]) -> list[str]:
    return [_decode([i]) for i in ids]


def _all(request: Request) -> list[int]:
    return _path(request, request.max_new_tokens, stop=False)


def _with_end(request: Request) -> list[int]:
    ids = _all(request)
    return ids[: ids.index(END) + 1] if END in ids else ids


def _fed_twice(prompt: list[int], new: list[int]) -> list[int]:
    """What a cache holds after each step was given all ids."""
    return [i for step in range(len(new) + 1) for i in prompt + new[:step]]


def _of_total_length(request: Request) -> str:
    return _decode(_path(request, max(0, request.max_new_tokens - len(request.prompt_ids))))


def _without_specials(ids: list[int]) -> str:
    return _tokenizer().decode(ids, skip_special_tokens=True)


def _prompt_and(request: Request, ids: list[int]) -> str:
    return _decode(request.prompt_ids + ids)


def _last(size: int):
    return lambda prompt, new: (prompt + new)[-size:]


def _head(size: int):
    return lambda prompt, new: prompt[:size] + new


WINDOWS = (4, 5, 8, 10, 12, 16, 20, 32)
_EVERYWHERE = "text/cuts-prompt-everywhere"
_PROMPT_TOO = "result/returns-prompt-too"
_IDS = "result/returns-token-ids"

TEXTS = [
    (_PROMPT_TOO, _text_of(lambda ids, r: r.prompt + _decode(ids))),
    (_PROMPT_TOO, _text_of(lambda ids, r: r.prompt + " " + _decode(ids))),
    (_PROMPT_TOO, _text_of(lambda ids, r: (r.prompt + _decode(ids)).strip())),
    (_PROMPT_TOO, lambda r: _prompt_and(r, _with_end(r))),
    (_PROMPT_TOO, lambda r: _prompt_and(r, _all(r))),
    (_PROMPT_TOO, lambda r: _prompt_and(r, _path(r, r.max_new_tokens + 1))),
    (_PROMPT_TOO, lambda r: _prompt_and(r, _path(r, r.max_new_tokens - 1))),
    (_IDS, _text_of(lambda ids, r: str(ids))),
    (_IDS, _text_of(lambda ids, r: " ".join(map(str, ids)))),
    ("result/raw-tokens", _text_of(lambda ids, r: "".join(probes.TOKENS[i] for i in ids))),
    ("result/raw-tokens", _text_of(lambda ids, r: " ".join(probes.TOKENS[i] for i in ids))),
    ("text/decodes-token-by-token", _text_of(lambda ids, r: "".join(_each(ids)))),
    ("text/cuts-at-wrong-token", _text_of(lambda ids, r: _decode(ids[1:]))),
    ("text/cuts-at-wrong-token", _text_of(lambda ids, r: _decode(r.prompt_ids[-1:] + ids))),
    (_EVERYWHERE, _text_of(lambda ids, r: (r.prompt + _decode(ids)).replace(r.prompt, ""))),
    (_EVERYWHERE, _text_of(lambda ids, r: (r.prompt + _decode(ids)).split(r.prompt)[-1])),
    ("text/joins-with-spaces", _text_of(lambda ids, r: " ".join(_each(ids)))),
    ("text/joins-with-spaces", _text_of(lambda ids, r: " ".join(x.strip() for x in _each(ids)))),
    ("text/strips-white-space", _text_of(lambda ids, r: _decode(ids).strip())),
    ("text/strips-white-space", _text_of(lambda ids, r: _decode(ids).lstrip())),
    ("text/strips-white-space", _text_of(lambda ids, r: _decode(ids).rstrip())),
    ("text/strips-white-space", _text_of(lambda ids, r: _decode(ids)[1:])),
    ("stop/includes-end-token", lambda r: _decode(_with_end(r))),
    ("stop/ignores-end-token", lambda r: _decode(_all(r))),
    ("stop/ignores-end-token", lambda r: _without_specials(_all(r))),
    ("stop/discards-the-text", lambda r: "" if _ends(r) else _text(r)),
    ("stop/drops-last-token", _text_of(lambda ids, r: _decode(ids[:-1]))),
    ("stop/drops-last-token", lambda r: _decode(_with_end(r)[:-1])),
    ("length/at-least-one", lambda r: _decode(_path(r, max(1, r.max_new_tokens)))),
    ("length/one-too-many", _longer(1)),
    ("length/one-too-few", _longer(-1)),
    ("length/one-too-many", lambda r: _decode(_all(r) + _path(r, r.max_new_tokens + 1)[-1:])),
    ("length/counts-the-prompt", _of_total_length),
    ("length/one-token", _text_of(lambda ids, r: _decode(ids[:1]))),
    ("length/one-token", _text_of(lambda ids, r: _decode(ids[-1:]))),
    ("length/one-token", lambda r: _decode(_with_end(r)[-1:])),
    ("context/logits-of-wrong-position", _text_in(lambda prompt, new: prompt[:1])),
    ("context/logits-of-wrong-position", _text_in(lambda prompt, new: (prompt + new)[:-1])),
    ("context/new-tokens-not-fed-back", _text_in(lambda prompt, new: prompt)),
    ("context/earlier-tokens-lost", _text_in(lambda prompt, new: new[-1:] or prompt)),
    ("context/earlier-tokens-lost", _text_in(lambda prompt, new: new or prompt)),
    ("context/earlier-tokens-lost", _text_in(lambda prompt, new: (prompt + new)[-1:])),
    ("context/earlier-tokens-lost", _text_in(lambda prompt, new: prompt + new[-1:])),
    ("context/cache-fed-twice", _text_in(_fed_twice)),
    ("context/cache-fed-twice", _text_in(lambda prompt, new: prompt + prompt[-1:] + new)),
    ("context/new-tokens-not-fed-back", _text_in(lambda prompt, new: new[::-1] + prompt)),
    ("context/positions-restart", _text_in(lambda prompt, new: prompt + new, _restarting)),
    *(
        ("context/prompt-changed", _text_after(change))
        for change in (str.strip, str.lstrip, str.rstrip, str.lower)
    ),
    *(("context/cut", _text_in(_last(size))) for size in WINDOWS),
    *(("context/cut", _text_in(_head(size))) for size in WINDOWS),
]


# Text where the model leaves a choice.


def sampling_at(requests_of: Callable[[int], list[Request]]):
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        return _samples(calls, requests_of(seed))

    return judge


temperature = sampling_at(probes.temperature_requests)
filters = sampling_at(probes.filters_requests)


def _samples(calls: list[dict], requests: list[Request]) -> Refusal | None:
    refusal = _unreadable(calls, requests)
    if refusal:
        return refusal
    drawn = [_drawn(call, request) for call, request in zip(calls, requests, strict=True)]
    right = [_log_likelihoods(r, ids, _right) for r, ids in zip(requests, drawn, strict=True)]
    others = {"sampling/wrong-frequencies": _rank_evidence(requests, drawn, right)}
    evidence = [*_evidence(DISTRIBUTIONS, requests, drawn, right), others]
    impossible = any(x.isneginf().any() for x in right)
    if not impossible and max(max(found.values()) for found in evidence) <= EVIDENCE:
        return None
    more = _evidence(DISTRIBUTIONS + VARIANTS, requests, drawn, right)
    for found in (*more, others):
        if max(found.values()) > EVIDENCE:
            best = max(found, key=lambda slug: found[slug] - HANDICAP.get(slug, 0))
            return _sampling_refusal(best, requests, drawn, right)
    return _sampling_refusal("filter/draws-dropped-tokens", requests, drawn, right)


def _evidence(candidates, requests, drawn, right) -> tuple[dict[str, float], dict[str, float]]:
    """For each slug, what speaks for it in all calls together, and in one call at most."""
    overall, in_one_call = {}, {}
    for slug, *candidate in candidates:
        other = [_log_likelihoods(r, x, *candidate) for r, x in zip(requests, drawn, strict=True)]
        gains = [_gain(a, b) for a, b in zip(other, right, strict=True)]
        overall[slug] = max(overall.get(slug, -math.inf), sum(gains))
        in_one_call[slug] = max(in_one_call.get(slug, -math.inf), *gains)
    return overall, in_one_call


def _gain(other: Tensor, right: Tensor) -> float:
    """Nats by which the draws speak for the other distribution; capped where right is 0."""
    if other.isneginf().any():
        return -math.inf
    return float((other - right.clamp(min=-50)).sum())


def _unreadable(calls: list[dict], requests: list[Request]) -> Refusal | None:
    """A refusal where a result is no text of tokens, or all have too many or too few."""
    surplus: set[int] = set()
    for i, (call, request) in enumerate(zip(calls, requests, strict=True)):
        if call["outcome"] == "raised" or not isinstance(call["value"], str):
            return _unexplained(call, request)
        ids = _ids(call["value"])
        if call["value"].startswith(request.prompt):
            slug = "result/returns-prompt-too"
        elif ids is None:
            slug = "text/strips-white-space" if _ids(" " + call["value"]) else "value/wrong"
        else:
            surplus.add(len(ids) - request.max_new_tokens)
            continue
        return _wrong_length(slug, call, request, i)
    if max(surplus) > 0 or (len(surplus) == 1 and surplus != {0}):
        slug = {1: "length/one-too-many", -1: "length/one-too-few"}.get(max(surplus))
        return _wrong_length(slug or "length/other", calls[0], requests[0], 0)
    return None


def _wrong_length(slug: str, call: dict, request: Request, i: int) -> Refusal:
    expected = f"{request.max_new_tokens} tokens with {_settings(request)}"
    return Refusal(slug, expected, f"{common.excerpt(call['value'])} in call {i + 1}")


def _drawn(call: dict, request: Request) -> tuple[int, ...]:
    """The drawn tokens; a text that ends early drew the end token."""
    ids = tuple(_ids(call["value"]))
    return ids if len(ids) == request.max_new_tokens else (*ids, END)


def _ids(text: str) -> list[int] | None:
    """The tokens of a text; None if it holds anything else."""
    spelled, pattern = _spelling()
    found = pattern.findall(text)
    return [i for part in found for i in spelled[part]] if "".join(found) == text else None


@lru_cache
def _spelling() -> tuple[dict[str, list[int]], re.Pattern]:
    """The ids behind each text that a token, or two for one character, may have."""
    spelled = {_decode([i]): [i] for i in range(len(probes.TOKENS))}
    spelled[_decode([probes.CAFE, probes.ACUTE])] = [probes.CAFE, probes.ACUTE]
    longest_first = sorted(map(re.escape, spelled), key=len, reverse=True)
    return spelled, re.compile("|".join(longest_first))


def _settings(request: Request) -> str:
    shown = [f"{name}={value}" for name, value in request.options.items() if name != "seed"]
    return ", ".join(shown) or "the default settings"


Distribution = Callable[[Request, Tensor], Tensor]
Rules = Callable[[Request, Tensor], Tensor]


def _rules(request: Request, ids: Tensor) -> Tensor:
    """The rules for each of the drawn tokens: what the model makes of all tokens before."""
    return scripted.rule(ids, request.key)[len(request.prompt_ids) - 1 : -1]


@lru_cache(maxsize=64)
def _rows(request: Request, drawn: tuple[int, ...], rules: Rules = _rules) -> Tensor:
    """The model's logits, of the tokens ``_possible``, for each of the drawn tokens."""
    chosen = rules(request, torch.tensor([*request.prompt_ids, *drawn]))
    return request.table[chosen][:, _possible(request, drawn)].double()


@lru_cache(maxsize=64)
def _possible(request: Request, drawn: tuple[int, ...]) -> Tensor:
    """The tokens that the model may give, to save time; all of them if another one was drawn."""
    highest = request.table.amax(0)
    possible = highest > highest.min()
    return (possible | ~possible[list(drawn)].all()).nonzero().flatten()


def _columns(request: Request, drawn: tuple[int, ...]) -> Tensor:
    """Where each of the drawn tokens stands in ``_rows``."""
    return torch.searchsorted(_possible(request, drawn), torch.tensor(drawn))


def _log_likelihoods(
    request: Request,
    drawn: tuple[int, ...],
    distribution: Distribution,
    rules: Rules = _rules,
) -> Tensor:
    """The log-probability of each drawn token under a distribution."""
    probabilities = distribution(request, _rows(request, drawn, rules))
    return probabilities.gather(-1, _columns(request, drawn)[:, None])[:, 0].log()


def _sampling_refusal(slug, requests, drawn, right) -> Refusal:
    for request, ids, likelihoods in zip(requests, drawn, right, strict=True):
        if likelihoods.isneginf().any():
            place = int(likelihoods.isneginf().nonzero()[0])
            return Refusal(
                slug,
                f"only tokens that the filters keep, with {_settings(request)}",
                f"{_decode([ids[place]])!r} as token {place + 1}, which they drop",
            )
    request, ids = max(zip(requests, drawn, strict=True), key=lambda pair: abs(_surplus(*pair)[2]))
    expected, seen, _ = _surplus(request, ids)
    return Refusal(
        slug,
        f"the most likely token about {expected:.0f} times in {len(ids)} draws, "
        f"with {_settings(request)}",
        f"{seen} times",
    )


def _surplus(request: Request, drawn: tuple[int, ...]) -> tuple[float, int, float]:
    """How often the most likely token is expected and was drawn, and the z-score."""
    largest, places = _right(request, _rows(request, drawn)).max(-1)
    seen = int((places == _columns(request, drawn)).sum())
    spread = float((largest * (1 - largest)).sum().sqrt()) or 1.0
    return float(largest.sum()), seen, (seen - float(largest.sum())) / spread


def _rank_evidence(requests, drawn, right) -> float:
    """Evidence for any other frequencies of the most likely, second most likely … token.

    The alternative learns the frequencies as it goes (Krichevsky and Trofimov's estimator), so
    its likelihood ratio has mean 1 under the right distribution.
    """
    total = 0.0
    for request, ids, likelihoods in zip(requests, drawn, right, strict=True):
        counts = [0.5] * len(_possible(request, ids))
        for i, rank in enumerate(_ranks(request, ids)):
            learned = math.log(counts[rank] / (len(counts) / 2 + i))
            total += learned - max(float(likelihoods[i]), -50.0)
            counts[rank] += 1
    return total


def _ranks(request: Request, drawn: tuple[int, ...]) -> list[int]:
    rows = _rows(request, drawn)
    return (rows > rows.gather(-1, _columns(request, drawn)[:, None])).sum(-1).tolist()


def _top_k(z: Tensor, k: int | None) -> Tensor:
    if k is None:
        return z
    return z.masked_fill(z < z.topk(min(k, z.shape[-1])).values[..., -1:], -INF)


def _top_p(z: Tensor, p: float | None, more: int = 0) -> Tensor:
    """The nucleus, ``more`` tokens larger."""
    if p is None:
        return z
    probabilities, order = z.softmax(-1).sort(descending=True)
    count = ((probabilities.cumsum(-1) < p).sum(-1, keepdim=True) + 1 + more).clamp(min=1)
    kept = torch.zeros_like(z, dtype=torch.bool).scatter(
        -1, order, torch.arange(z.shape[-1]).expand_as(z) < count
    )
    return z.masked_fill(~kept, -INF)


def _steps(
    *steps: str, times: Callable[[float], float] = lambda t: t, more_k=0, more_p=0, **defaults
):
    """The distribution after these steps, in this order."""

    def distribution(request: Request, logits: Tensor) -> Tensor:
        options = defaults | request.options
        k, p = options.get("top_k"), options.get("top_p")
        z = logits
        for step in steps:
            if step == "temperature":
                z = z / times(options.get("temperature", 1.0))
            elif step == "top-k":
                z = _top_k(z, k and max(1, k + more_k))
            else:
                z = _top_p(z, p, more_p)
        return z.softmax(-1)

    return distribution


_right = _steps("temperature", "top-k", "top-p")


def _greedy(request: Request, logits: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).double()


def _uniform(request: Request, logits: Tensor) -> Tensor:
    kept = (_right(request, logits) > 1e-12).double()
    return kept / kept.sum(-1, keepdim=True)


def _softmax_twice(request: Request, logits: Tensor) -> Tensor:
    right = _right(request, logits)
    return right.softmax(-1)


def _given_probabilities(request: Request, logits: Tensor) -> Tensor:
    probabilities = (logits / request.options.get("temperature", 1.0)).softmax(-1)
    kept = _top_p(_top_k(probabilities, request.options.get("top_k")), request.options.get("top_p"))
    return kept.softmax(-1)


def _drawn_by_probabilities(request: Request, logits: Tensor) -> Tensor:
    probabilities = (logits / request.options.get("temperature", 1.0)).softmax(-1)
    kept = probabilities.masked_fill(_given_probabilities(request, logits) == 0, 0)
    return kept / kept.sum(-1, keepdim=True)


def _best_of(count: int):
    """The most likely one of so many draws."""

    def distribution(request: Request, logits: Tensor) -> Tensor:
        ordered, order = _right(request, logits).sort(-1)
        mass = ordered.cumsum(-1)
        best = mass**count - (mass - ordered).clamp(min=0) ** count
        return torch.zeros_like(best).scatter(-1, order, best)

    return distribution


def _greedy_below(temperature: float):
    def distribution(request: Request, logits: Tensor) -> Tensor:
        low = request.options.get("temperature", 1.0) < temperature
        return (_greedy if low else _right)(request, logits)

    return distribution


def _capped(count: int):
    """No top_k above this."""

    def distribution(request: Request, logits: Tensor) -> Tensor:
        k = request.options.get("top_k")
        options = request.options | ({"top_k": min(k, count)} if k else {})
        return _right(replace(request, options=options), logits)

    return distribution


def _unless_one(request: Request, logits: Tensor) -> Tensor:
    """top_k = 1 is left out."""
    one = request.options.get("top_k") == 1
    return (_steps("temperature", "top-p") if one else _right)(request, logits)


def _either(first: str, second: str):
    def distribution(request: Request, logits: Tensor) -> Tensor:
        wanted = request.options.get(first.replace("-", "_")) is not None
        return _steps("temperature", first if wanted else second)(request, logits)

    return distribution


def _first_rules(request: Request, ids: Tensor) -> Tensor:
    return scripted.rule(ids[:1], request.key).expand(len(ids) - len(request.prompt_ids))


def _earlier_rules(request: Request, ids: Tensor) -> Tensor:
    return scripted.rule(ids, request.key)[len(request.prompt_ids) - 2 : -2]


def _prompt_rules(request: Request, ids: Tensor) -> Tensor:
    return _rules(request, ids)[:1].expand(len(ids) - len(request.prompt_ids))


def _latest_rules(request: Request, ids: Tensor) -> Tensor:
    alone = scripted.rule(ids[:, None], request.key)[len(request.prompt_ids) - 1 : -1, 0]
    return torch.cat([_rules(request, ids)[:1], alone[1:]])


def _window_rules(size: int):
    """The model sees the last tokens only."""

    def rules(request: Request, ids: Tensor) -> Tensor:
        seen = scripted.rule(ids[:size], request.key)
        if len(ids) > size:
            windows = scripted.rule(ids.unfold(0, size, 1)[1:], request.key)[:, -1]
            seen = torch.cat([seen, windows])
        return seen[len(request.prompt_ids) - 1 : -1]

    return rules


def _restarting_rules(request: Request, ids: Tensor) -> Tensor:
    length = len(request.prompt_ids)
    positions = torch.arange(len(ids)) * (torch.arange(len(ids)) < length)
    return scripted.rule(ids, request.key, positions)[length - 1 : -1]


_P_EARLY = "order/top-p-before-temperature"
_WRONG_T = "scale/wrong-temperature"
_CLAMPED = "scale/clamps-the-temperature"
_BOUNDARY = "filter/wrong-boundary"
_ALL_STEPS = ("temperature", "top-k", "top-p")

DISTRIBUTIONS = [
    ("sampling/always-greedy", _greedy),
    ("sampling/uniform", _uniform),
    ("scale/ignores-temperature", _steps("top-k", "top-p")),
    ("scale/multiplies-by-temperature", _steps(*_ALL_STEPS, times=lambda t: 1 / t)),
    ("scale/temperature-twice", _steps(*_ALL_STEPS, times=lambda t: t**2)),
    ("scale/temperature-twice", _steps("temperature", "top-k", "top-p", "temperature")),
    (_WRONG_T, _steps(*_ALL_STEPS, times=math.sqrt)),
    ("scale/greedy-at-low-temperature", _greedy_below(0.5)),
    ("defaults/temperature", _steps(*_ALL_STEPS, temperature=0.7)),
    ("defaults/top-k", _steps(*_ALL_STEPS, top_k=50)),
    ("defaults/top-p", _steps(*_ALL_STEPS, top_p=0.9)),
    ("sampling/best-of-several", _best_of(2)),
    ("filter/fixed-cap", _capped(10)),
    ("filter/fixed-cap", _capped(20)),
    ("filter/ignores-top-k", _unless_one),
    ("scale/softmax-twice", _softmax_twice),
    ("scale/softmax-twice", _given_probabilities),
    ("scale/filters-given-probabilities", _drawn_by_probabilities),
    (_P_EARLY, _steps("top-k", "top-p", "temperature")),
    (_P_EARLY, _steps("top-p", "temperature", "top-k")),
    (_P_EARLY, _steps("top-p", "top-k", "temperature")),
    ("order/top-p-before-top-k", _steps("temperature", "top-p", "top-k")),
    ("filter/either-or", _either("top-k", "top-p")),
    ("filter/either-or", _either("top-p", "top-k")),
    ("filter/ignores-top-k", _steps("temperature", "top-p")),
    ("filter/ignores-top-p", _steps("temperature", "top-k")),
    ("filter/ignores-both", _steps("temperature")),
    ("filter/ignores-both", _steps()),
    *(
        (_BOUNDARY, _steps(*_ALL_STEPS, more_k=a, more_p=b))
        for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ),
    ("context/logits-of-wrong-position", _right, _first_rules),
    ("context/logits-of-wrong-position", _right, _earlier_rules),
    ("context/new-tokens-not-fed-back", _right, _prompt_rules),
    ("context/earlier-tokens-lost", _right, _latest_rules),
]
# Looked at only where it is clear that something is wrong.
VARIANTS = [
    *(
        (_CLAMPED, _steps(*_ALL_STEPS, times=lambda t, low=low: max(t, low)))
        for low in (0.2, 0.5, 0.7, 1.0)
    ),
    *(
        (_CLAMPED, _steps(*_ALL_STEPS, times=lambda t, high=high: min(t, high)))
        for high in (1.0, 1.5, 2.0, 5.0)
    ),
    ("scale/greedy-at-low-temperature", _greedy_below(1.0)),
    *(("defaults/temperature", _steps(*_ALL_STEPS, temperature=t)) for t in (0.5, 0.8)),
    *(("defaults/top-k", _steps(*_ALL_STEPS, top_k=k)) for k in (5, 10, 20, 40)),
    *(("defaults/top-p", _steps(*_ALL_STEPS, top_p=p)) for p in (0.5, 0.8, 0.95)),
    *(("sampling/best-of-several", _best_of(count)) for count in (3, 5)),
    ("filter/fixed-cap", _capped(5)),
    ("context/positions-restart", _right, _restarting_rules),
    *(("context/cut", _right, _window_rules(size)) for size in WINDOWS),
]


# Seeds.


def seeds(calls: list[dict], seed: int) -> Refusal | None:
    requests = probes.seeds_requests(seed)
    for call, request in zip(calls, requests, strict=True):
        if call["outcome"] == "raised" or not isinstance(call["value"], str):
            return _unexplained(call, request)
    first, again, default, *others = [call["value"] for call in calls]
    if first != again:
        slug, texts = "seed/ignores-seed", (first, again)
        return Refusal(slug, "the same text twice with seed=7", _two(*texts))
    distinct = {first, *others}
    if len(distinct) == 1:
        greedy = _ids(first) and set(_ids(first)) == {int(requests[0].table[0].argmax())}
        slug = "sampling/always-greedy" if greedy else "seed/always-the-same"
        return Refusal(slug, "other texts with other seeds", common.excerpt(first) + " always")
    if _greedy_evidence([first, *others], requests[0]) > EVIDENCE:
        best = _decode([int(requests[0].table[0].argmax())])
        return Refusal(
            "sampling/first-token-greedy", "texts that begin unlike", f"{best!r} at the beginning"
        )
    constant = [len(set(text.split())) == 1 for text in (first, *others)]
    if all(constant):
        slug, seen = "seed/reseeds-inside-the-loop", common.excerpt(first)
        return Refusal(slug, "6 tokens drawn one after the other", f"{seen} with seed=7")
    if default != others[0]:
        return Refusal(
            "seed/default", "the same text without a seed as with seed=0", _two(default, others[0])
        )
    if len(distinct) < len(others) + 1:
        return Refusal("seed/some-seeds-alike", "another text with each seed", "a text twice")
    if any(call["disturbed"] for call in calls):
        return Refusal("seed/global-random-state", "the global random state as it was", "another")
    return None


def _greedy_evidence(texts: list[str], request: Request) -> float:
    """How unlikely it is, in nats, that all these texts begin with the most likely token."""
    logs = request.table[0].double().log_softmax(-1)
    firsts = [(_ids(text) or [END])[0] for text in texts]
    always = all(token == int(logs.argmax()) for token in firsts)
    return -len(texts) * float(logs.max()) if always else 0.0


def _two(one: str, other: str) -> str:
    return f"{common.excerpt(one)} and {common.excerpt(other)}"
