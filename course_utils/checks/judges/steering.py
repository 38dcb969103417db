"""Judges of the exercises of ``05_steering``.

Oracles: what enters the stage behind a block, read by a pre-hook there; the library's ``generate``;
the sine formula of spherical interpolation; regular expressions that count words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from course_utils.anatomy import anatomy
from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import steering as probes

TOLERANCE = 1e-4
Candidates = list[tuple[str, Tensor]]

_VECTOR = {
    "layer/off-by-one": (
        "The vector is read one block too early: at the input of block `layer`.",
        "hidden_states[i] is what enters block i; what leaves it is hidden_states[i + 1].",
    ),
    "layer/another": (
        "The vector is read at another block.",
        "The output of anatomy(model).blocks[layer].",
    ),
    "layer/after-final-norm": (
        "The vector is read behind the final norm.",
        "The last entry of hidden_states is through the final norm: read the block's own output.",
    ),
    "layer/one-architecture": (
        "The code asks for a part that only some models have by that name.",
        "anatomy(model).blocks[layer] finds it in every model.",
    ),
    "sign/reversed": ("The sign is reversed.", "Positive minus negative."),
    "sign/added": ("The two activations are added.", "Positive minus negative."),
    "position/first-token": (
        "The first token is read, not the last.",
        "At the first token nothing of the rest is known: read position -1.",
    ),
    "position/mean-of-all": (
        "The activations of all positions are averaged.",
        "Take the last token alone.",
    ),
    "position/one-before-last": ("The last token but one is read.", "Position -1."),
    "padding/read-as-last": (
        "In a batch the shorter text is padded on the right, and [-1] reads the padding.",
        "Run the texts one by one, or find the last real token by the attention mask.",
    ),
    "padding/positions-shifted": (
        "Padding on the left moves the tokens of the shorter text to later positions.",
        "Run the texts one by one: learned positions, GPT-2's, count the padding.",
    ),
    "vector/one-text": (
        "One of the two activations is missing.",
        "The vector is a difference: positive minus negative.",
    ),
    "vector/normalized": (
        "The vector is scaled to another length.",
        "Leave its norm: the strength is there to scale.",
    ),
    "vector/zero": (
        "The vector is zero: up to where it is read the two texts are the same.",
        "Read at the last token, behind the place where they differ.",
    ),
    "shape/extra-dimension": (
        "The vector has a batch or position dimension left over.",
        "Index both: [0, -1] gives [d_model].",
    ),
    "hooks/left-on": (
        "A hook of yours is still on the model.",
        "handle.remove() in finally.",
    ),
    "hooks/foreign-removed": (
        "Hooks that are not yours are gone: transformers' own among them.",
        "Remove your own handle: handle.remove(), never _forward_hooks.clear().",
    ),
    "mutates/model": (
        "The model is not as it was: its mode, its blocks, its weights or their requires_grad.",
        "Leave the model alone, or put back what you change, in finally.",
    ),
    "mutates/settings": (
        "A setting of the model's config or of the tokenizer is changed for good.",
        "Give it in the call: tokenizer(text, padding_side=…), model(ids, output_hidden_states=…).",
    ),
    "tokens/no-begin": (
        "The text is read without the begin token that this tokenizer puts before every text.",
        "tokenizer(prompt) as it is, without add_special_tokens=False.",
    ),
}
_ADDED = {
    "steering/none": (
        "Nothing is added to the residual stream.",
        "What a hook returns takes the place of the block's output.",
    ),
    "steering/multiplies": (
        "The activation is multiplied.",
        "Add strength * vector to it: hidden + strength * vector.",
    ),
    "steering/replaces": (
        "The activation is replaced by the vector.",
        "Add: hidden + strength * vector.",
    ),
    "steering/another-block": (
        "The vector is added at another block.",
        "Put the hook on anatomy(model).blocks[layer].",
    ),
    "strength/ignored": ("The strength has no effect.", "Add strength * vector."),
    "strength/added": ("The strength is added, not multiplied.", "strength * vector."),
    "strength/grows": (
        "With every pass more is added.",
        "vector *= strength changes the vector itself; make a product of its own.",
    ),
    "strength/doubled": ("The vector is added twice.", "Is the hook on twice, or in place too?"),
    "positions/prefill-only": (
        "Nothing is added while decoding.",
        "With a cache a decoding pass has one token: it needs the vector as well.",
    ),
    "positions/decode-only": (
        "Nothing is added to the prompt.",
        "The prefill needs the vector as well, at every position.",
    ),
    "positions/last-only": (
        "Only the last position of the prompt gets the vector.",
        "hidden + vector reaches every position.",
    ),
    "positions/first-only": (
        "Only the first position gets the vector.",
        "hidden + vector reaches every position.",
    ),
    "positions/first-row": (
        "Only the first row of the batch gets the vector.",
        "output[0] of a tensor is its first row: is it a tuple or a tensor?",
    ),
    "positions/uneven": (
        "Not every position gets the same.",
        "hidden + strength * vector, for all of [batch, pos, d_model].",
    ),
}
_RETURNS_TUPLE = (
    "The block returned a tensor, the hook a tuple.",
    "Return what the block returned: a tensor for a tensor, as isinstance(output, tuple) tells.",
)
SENTENCES = {
    "steering.last_token_vector": _VECTOR,
    "steering.caa": _VECTOR
    | {
        "pairs/one-of-them": ("Only one pair is used.", "The mean over all pairs."),
        "pairs/sum": ("The differences are added up.", "Divide by the number of pairs."),
        "pairs/distinct": (
            "A pair that is given twice counts once.",
            "The mean over all pairs, as they are given.",
        ),
        "pairs/median": ("It is not the mean.", "Add the differences, divide by their number."),
        "completion/alone": (
            "The completion is read without its prompt.",
            "The text is prompt + completion.",
        ),
        "completion/first-token": (
            "The completion's first token is read.",
            "Read its last token: position -1 of prompt + completion.",
        ),
        "completion/space": (
            "Something is put between prompt and completion.",
            "prompt + completion: the completions begin with a space of their own.",
        ),
        "tokens/begin-twice": (
            "A begin token stands between prompt and completion.",
            "Give the tokenizer the joined text, or add_special_tokens=False for the completion.",
        ),
    },
    "steering.hook": _ADDED
    | {
        "hook/not-returned": (
            "steering_hook does not return a function.",
            "def hook(module, args, output) inside, then return hook, without brackets.",
        ),
        "hook/arguments": (
            "The hook does not take what PyTorch gives it.",
            "def hook(module, args, output).",
        ),
        "hook/returns-tuple": _RETURNS_TUPLE,
        "hook/list": ("A tuple goes in and a list comes out.", "return (hidden, *output[1:])."),
        "hook/tuple-not-handled": (
            "A block that returns a tuple is not handled.",
            "isinstance(output, tuple): its first entry is the activation.",
        ),
        "hook/drops-the-rest": (
            "Of a tuple only the activation is returned.",
            "return (hidden, *output[1:]).",
        ),
        "hook/other-entry": (
            "Another entry of the tuple is changed.",
            "The activation is output[0]; the others pass as they are.",
        ),
        "vector/normalized": (
            "The vector is scaled to another length.",
            "Add strength * vector as it is.",
        ),
        "sign/reversed": ("The sign is reversed.", "hidden + strength * vector."),
        "dtype/not-cast": (
            "The block's output has another dtype than before: a float32 vector on a model in "
            "bfloat16.",
            "vector.to(hidden.dtype), or vector.to(hidden).",
        ),
        "device/wrong": (
            "The vector stays on the CPU whatever device the model is on.",
            "vector.to(hidden.device), or vector.to(hidden).",
        ),
    },
    "steering.llm_steering": _VECTOR
    | _ADDED
    | {
        "hook/returns-tuple": _RETURNS_TUPLE,
        "hooks/on-outside-generate": (
            "The hook is on the model outside generate.",
            "Put it on in generate, and take it off there in finally.",
        ),
        "hooks/left-after-error": (
            "After an error in generate the hook is still on the model.",
            "try: ... finally: handle.remove()",
        ),
        "hooks/left-after-interrupt": (
            "After an interrupt (Ctrl-C) in generate the hook is still on the model.",
            "finally, not except Exception: KeyboardInterrupt is none.",
        ),
        "state/vector-of-another-pair": (
            "After a second set_steering the vector of an earlier pair is added.",
            "Compute the vector anew in every set_steering.",
        ),
        "state/vector-of-another-block": (
            "After a second set_steering the vector of an earlier block is added.",
            "Compute the vector anew in every set_steering: another block, another vector.",
        ),
        "state/another-vector": (
            "After a second set_steering another vector is added than after a first one.",
            "What was set before leaves no trace.",
        ),
        "state/earlier-strength": (
            "After a second set_steering the earlier strength is in force.",
            "Store the strength in every set_steering.",
        ),
        "state/adds-up": (
            "After a second set_steering the first vector is still added.",
            "One vector at a time: the new one takes the place of the old one.",
        ),
        "state/read-under-steering": (
            "The second vector is read while the first one is being added.",
            "Read it from the model without steering.",
        ),
        "state/removed-still-steers": (
            "After remove_steering the vector is still added.",
            "remove_steering: from then on generate adds nothing.",
        ),
        "state/remove-raises": (
            "remove_steering raises where nothing is set.",
            "Nothing to remove is no error.",
        ),
        "text/continuation-alone": (
            "The continuation alone is returned.",
            "Return the prompt and its continuation: decode all of ids[0].",
        ),
        "text/special-tokens": (
            "The text holds special tokens.",
            "tokenizer.decode(ids[0], skip_special_tokens=True).",
        ),
        "text/prompt-twice": ("The prompt comes twice.", "generate returns the prompt's ids too."),
        "text/list": ("The result is a list.", "One prompt, one text: decode ids[0]."),
        "text/wrong": ("The text is another one.", "model.generate, then decode."),
        "kwargs/dropped": (
            "The options do not reach model.generate.",
            "model.generate(..., max_new_tokens=max_new_tokens, **kwargs).",
        ),
        "kwargs/fixed": (
            "An option is set by your code as well as by the caller.",
            "Leave the options to the caller: **kwargs.",
        ),
        "length/total": (
            "max_new_tokens counts the prompt too, or is not used.",
            "model.generate(..., max_new_tokens=max_new_tokens).",
        ),
        "length/default": (
            "Without max_new_tokens another number of tokens is written than 50.",
            "Keep the first line as it was given: max_new_tokens=50.",
        ),
    },
    "steering.actadd": _VECTOR
    | _ADDED
    | {
        "hook/not-returned": (
            "actadd_edit does not return a function.",
            "def add(activation, positions) inside, then return add.",
        ),
        "pad/left": ("The shorter prompt is padded on the left.", "Space tokens behind it."),
        "pad/another-token": (
            "The shorter prompt is padded with another token.",
            "Algorithm 1 pads with the space token.",
        ),
        "pad/masked": (
            "The space tokens are masked, or left out of the model.",
            "They are part of the prompt: no attention mask, or one of ones.",
        ),
        "pad/text": (
            "Spaces are added to the text: several become another token than several spaces do.",
            "Add the id of one space, as often as needed, to the list of ids.",
        ),
        "pad/begin-token": (
            "With each space a begin token is added.",
            "tokenizer(' ', add_special_tokens=False).",
        ),
        "align/cut": (
            "The longer prompt is cut to the length of the shorter one.",
            "Lengthen the shorter one with space tokens.",
        ),
        "align/end": (
            "The vector is added at the end of the prompt.",
            "Row i at position i: it starts at the first token.",
        ),
        "align/one-row": (
            "Every position gets the same row.",
            "Row i of the vector belongs at position i.",
        ),
        "positions/every-pass": (
            "The vector is added in decoding passes too.",
            "Where do positions start in a decoding pass? Add where positions < len(vector).",
        ),
        "positions/beyond": (
            "Something is added behind the vector's last row.",
            "Add where positions < len(vector).",
        ),
        "short/accepted": (
            "A prompt shorter than the vector is accepted.",
            "raise ValueError in the prefill, where positions[0] is 0.",
        ),
        "short/other-error": ("It fails, but not with a ValueError.", "raise ValueError."),
        "short/refuses-fitting": (
            "A prompt as long as the vector is refused.",
            "Shorter, not as long.",
        ),
        "short/refuses-decoding": (
            "A decoding pass, of one token, is taken for a short prompt.",
            "Raise in the prefill alone, where positions[0] is 0.",
        ),
        "state/one-prompt": (
            "A second prompt gets nothing.",
            "Let the positions say whether it is the prefill, not a flag that is set once.",
        ),
    },
    "steering.slerp": {
        "path/linear": (
            "The vectors are mixed linearly: between them the result is too short.",
            "Mix directions with sin((1 - t) angle) / sin(angle) and sin(t angle) / sin(angle).",
        ),
        "path/not-normalized": (
            "The angle, or the direction, is computed from vectors that are not of length 1.",
            "Divide a and b by their norms first; the norm comes back at the end.",
        ),
        "norm/one": ("The result has length 1.", "Multiply by (1 - t)|a| + t|b|."),
        "norm/of-one": (
            "The result has the norm of one of the two, or their mean.",
            "(1 - t)|a| + t|b|.",
        ),
        "norm/geometric": (
            "The norm is interpolated geometrically.",
            "Linearly: (1 - t)|a| + t|b|.",
        ),
        "path/swapped": ("It runs from b to a.", "t = 0 gives a."),
        "path/flipped": (
            "Where the angle is obtuse b is turned around: right for rotations, not for vectors.",
            "-b is another direction than b: leave it as it is.",
        ),
        "path/normalized-linear": (
            "The direction is that of the linear mixture.",
            "At t = 0.5 the two agree; elsewhere use the sines.",
        ),
        "edge/colinear": (
            "Vectors that point the same way give nan, an error or a wrong result.",
            "sin(angle) is 0 there: mix linearly.",
        ),
        "edge/opposite": (
            "Opposite vectors are accepted.",
            "No way between them is the shortest: raise ValueError. In float32 the cosine is not "
            "exactly -1: compare with a margin.",
        ),
        "edge/margin": (
            "Vectors nearly in one line, some degrees apart, are treated as if they were in line.",
            "1e-6 of the cosine is margin enough.",
        ),
        "edge/zero": ("A zero vector is accepted.", "It has no direction: raise ValueError."),
        "edge/other-error": ("It fails, but not with a ValueError.", "raise ValueError."),
    },
    "steering.score": {
        "count/all-words": (
            "It is the share of all words.",
            "Only words on one of the lists count: good / (good + bad).",
        ),
        "count/mean-of-texts": (
            "It is the mean of the texts' shares.",
            "Count over all texts, divide once: a text with one word weighs little.",
        ),
        "count/ratio": ("It is good / bad.", "good / (good + bad)."),
        "count/difference": ("It is a difference.", "good / (good + bad)."),
        "count/other-share": ("It is the share of the other list.", "good / (good + bad)."),
        "count/number": ("It is a count.", "good / (good + bad)."),
        "count/distinct": ("A word counts once, however often it is said.", "Count every time."),
        "count/texts": ("Texts are counted, not words.", "Count words."),
        "count/first-text": ("Only one text is counted.", "Count over all texts."),
        "count/percent": ("It is a percentage.", "A share, from 0 to 1."),
        "spelling/punctuation": (
            "Words with punctuation at their ends are not found.",
            "word.strip('.,!?\":;')",
        ),
        "spelling/substring": (
            "Parts of other words are counted.",
            "Split the text, compare whole words.",
        ),
        "spelling/case": (
            "Upper and lower case are taken for the same.",
            "Compare the words as they are written.",
        ),
        "spelling/hyphen": (
            "A listed word with a hyphen is not found.",
            "A word ends at white space: text.split(), then strip what is at its ends.",
        ),
        "spelling/inside": (
            "Punctuation inside a word is taken away, or cuts it in two.",
            "A word ends at white space: text.split(), then strip what is at its ends.",
        ),
        "spelling/white-space": (
            "Words are cut apart at blanks only: a new line or a tab is white space too.",
            "text.split(), without an argument.",
        ),
        "spelling/other-ends": (
            "Other marks than those listed are taken off the ends of words.",
            "word.strip('.,!?\":;')",
        ),
        "lists/only-lists": (
            "It fails where the words are given as sets.",
            "`in` works for lists and sets; + does not.",
        ),
        "empty/zero": (
            "Where no word counts the result is a number.",
            "Nothing was said: float('nan').",
        ),
        "empty/error": ("Where no word counts it fails.", "Return float('nan')."),
        "both/counted": (
            "A word on both lists counts.",
            "It says nothing: leave it out.",
        ),
    },
}


# Activations by another way


def _streams(model: nn.Module, ids: Tensor, mask: Tensor | None = None) -> list[Tensor]:
    """What enters block 0 and what leaves each block, [batch, pos, d_model] each."""
    parts, seen = anatomy(model), []
    handles = [
        stage.register_forward_pre_hook(
            lambda module, args, kwargs: seen.append(args[0] if args else kwargs["hidden_states"]),
            with_kwargs=True,
        )
        for stage in (*parts.blocks, parts.final_norm)
    ]
    try:
        with torch.no_grad():
            model(input_ids=ids, attention_mask=mask, use_cache=False)
    finally:  # the model is used again
        for handle in handles:
            handle.remove()
    return seen


class Reader:
    """A small model, as the probe made it, and what can be read in it: every text once."""

    def __init__(self, name: str, seed: int):
        self.model, self.tokenizer = probes.make_model(name, seed), probes.make_tokenizer(name)
        self.seen: dict[object, list[Tensor]] = {}

    def ids(self, text: str) -> Tensor:
        return torch.tensor(self.tokenizer(text)["input_ids"])

    def stream(self, text: str, layer: int) -> Tensor:
        """What leaves block `layer`, [pos, d_model]; -1 is what enters block 0."""
        return self.stream_of(self.ids(text), layer)

    def stream_of(self, ids: Tensor, layer: int) -> Tensor:
        return self.batch(ids[None], layer)[0]

    def batch(self, ids: Tensor, layer: int, mask: Tensor | None = None) -> Tensor:
        key = str((ids.tolist(), mask if mask is None else mask.tolist()))
        if key not in self.seen:
            self.seen[key] = _streams(self.model, ids, mask)
        return self.seen[key][layer + 1]

    def without_begin(self, text: str, layer: int) -> Tensor:
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return self.stream_of(torch.tensor(ids), layer)[-1]

    def padded(self, texts: Sequence[str], layer: int, side: str, masked: bool = True) -> Tensor:
        """What is read at [-1] in a batch, [text, d_model]."""
        rows = [self.ids(text) for text in texts]
        ids = pad_sequence(rows, batch_first=True, padding_side=side)
        ones = [torch.ones_like(row) for row in rows]
        mask = pad_sequence(ones, batch_first=True, padding_side=side)
        return self.batch(ids, layer, mask if masked else None)[:, -1]

    def difference(self, positives, negatives, layer: int, read: Callable) -> Tensor:
        sides = ([read(self.stream(t, layer)) for t in texts] for texts in (positives, negatives))
        one, other = (torch.stack(side).mean(0) for side in sides)
        return one - other

    def right(self, positives, negatives, layer: int) -> Tensor:
        return self.difference(positives, negatives, layer, _last)

    def candidates(self, positives, negatives, layer: int) -> Candidates:
        """What a vector is under a misconception."""
        right = self.right(positives, negatives, layer)
        one, other = (
            torch.stack([_last(self.stream(t, layer)) for t in texts]).mean(0)
            for texts in (positives, negatives)
        )
        norm = anatomy(self.model).final_norm
        readings = [
            ("position/first-token", lambda x: x[0]),
            ("position/mean-of-all", lambda x: x.mean(0)),
            ("position/one-before-last", lambda x: x[-2]),
            ("layer/after-final-norm", lambda x: norm(x)[-1]),
        ]
        found = [("layer/off-by-one", self.right(positives, negatives, layer - 1))]
        found += [
            (slug, self.difference(positives, negatives, layer, read)) for slug, read in readings
        ]
        found += [("sign/reversed", -right), ("sign/added", one + other)]
        found += [("vector/one-text", one), ("vector/one-text", other), ("vector/one-text", -other)]
        found += [("vector/normalized", right / right.norm()), ("vector/zero", 0 * right)]
        found += self._padding(positives, negatives, layer)
        bare = [
            torch.stack([self.without_begin(text, layer) for text in texts]).mean(0)
            for texts in (positives, negatives)
        ]
        found.append(("tokens/no-begin", bare[0] - bare[1]))
        last = probes.N_BLOCKS - 1
        found.append(
            ("layer/another", self.difference(positives, negatives, last, readings[-1][1]))
        )
        others = [i for i in range(-1, probes.N_BLOCKS) if i not in (layer, layer - 1)]
        return found + [
            ("layer/another", self.right(positives, negatives, other)) for other in others
        ]

    def _padding(self, positives, negatives, layer: int) -> Candidates:
        """[-1] of padded batches: of all texts, of each side, of each pair."""
        texts, n = [*positives, *negatives], len(positives)
        batches = [
            [range(2 * n)],
            [range(n), range(n, 2 * n)],
            [(i, n + i) for i in range(n)],
        ]
        ways = [
            ("padding/read-as-last", "right", True),
            ("padding/positions-shifted", "left", True),
            ("padding/positions-shifted", "left", False),
        ]
        found = []
        for slug, side, masked in ways:
            for groups in batches:
                rows = torch.zeros(2 * n, probes.D_MODEL, dtype=torch.float64)
                for group in groups:
                    rows[list(group)] = self.padded([texts[i] for i in group], layer, side, masked)
                found.append((slug, rows[:n].mean(0) - rows[n:].mean(0)))
        return found


@lru_cache(maxsize=8)
def _reader(name: str, seed: int) -> Reader:
    return Reader(name, seed)


def _last(stream: Tensor) -> Tensor:
    return stream[-1]


def _close(one: object, other: Tensor) -> bool:
    if not isinstance(one, Tensor) or one.shape != other.shape:
        return False
    finite = other[other.isfinite()].double()
    margin = TOLERANCE * finite.abs().max().item() if finite.numel() else 0.0
    return torch.allclose(one.double(), other.double(), rtol=TOLERANCE, atol=margin, equal_nan=True)


def _explained(seen: Sequence[Tensor], candidates: Sequence[Candidates]) -> str:
    """The first slug that explains every wrong result, else the first that explains one."""
    slugs = list(dict.fromkeys(slug for found in candidates for slug, _ in found))

    def fits(slug: str) -> list[bool]:
        return [
            any(_close(value, one) for s, one in found if s == slug)
            for value, found in zip(seen, candidates, strict=True)
        ]

    fitting = {slug: fits(slug) for slug in slugs}
    return next(
        (slug for quantor in (all, any) for slug in slugs if quantor(fitting[slug])), "value/wrong"
    )


# Vectors


def _raised(call: dict, expected: str) -> Refusal:
    """As common.raised; a part that another architecture has by another name is named."""
    refusal = common.raised(call, expected)
    names = r"no attribute '(model|transformer|layers|h|norm|ln_f)'"
    if call["error"] == "AttributeError" and re.search(names, call["text"]):
        return Refusal("layer/one-architecture", expected, refusal.seen)
    return refusal


def _vectors(
    calls: list[dict], seed: int, texts: list[tuple], more: Callable | None = None
) -> Refusal | None:
    """`texts`: architecture, positives, negatives, layer of each call."""
    wrong, first = [], None
    for call, (name, positives, negatives, layer) in zip(calls, texts, strict=True):
        where = f"{name}, block {layer}"
        if call["outcome"] == "raised":
            return _raised(call, f"a vector ({where})")
        reader = _reader(name, seed)
        right = reader.right(positives, negatives, layer)
        refusal = common.wrong_type(call["value"], f"a tensor of shape {list(right.shape)}")
        if refusal:
            return refusal
        seen = call["value"]
        if seen.shape != right.shape:
            slug = "shape/extra-dimension" if seen.numel() == right.numel() else "shape/wrong"
            return Refusal(slug, f"shape {list(right.shape)}", f"shape {list(seen.shape)}")
        if seen.isnan().any():
            return Refusal("value/nan", common.numbers(right), common.numbers(seen))
        if not _close(seen, right):
            extra = more(reader, positives, negatives, layer) if more else []
            if seen.abs().max() <= TOLERANCE * right.abs().max():
                extra = [("vector/zero", seen)]
            wrong.append((seen, extra + reader.candidates(positives, negatives, layer)))
            first = first or (
                f"{common.numbers(right)} ({where})",
                f"{common.numbers(seen)}",
            )
    if not wrong:
        return None
    return Refusal(_explained(*zip(*wrong, strict=True)), *first)


def _singles(requests: list[tuple]) -> list[tuple]:
    return [(name, [p], [n], layer) for name, p, n, layer in requests]


def vector(calls: list[dict], seed: int) -> Refusal | None:
    return _vectors(calls, seed, _singles(probes.vector_requests(seed)))


def last_block(calls: list[dict], seed: int) -> Refusal | None:
    return _vectors(calls, seed, _singles(probes.last_block_requests(seed)))


def traces(calls: list[dict], seed: int) -> Refusal | None:
    """Judges what is left on the model alone: the other cases judge the vector."""
    for call in calls:
        if call["outcome"] == "raised":
            return _raised(call, "a vector")
        if refusal := _traces(call, "hooks/left-on"):
            return refusal
    return None


def _traces(call: dict, left: str) -> Refusal | None:
    step = f"after {call['step']}"
    if call["lost"]:
        return Refusal("hooks/foreign-removed", "the hooks as found", f"{call['lost']} gone {step}")
    if call["left"]:
        return Refusal(left, "the hooks as found", f"{call['left']} more {step}")
    if call["changed"]:
        return Refusal("mutates/model", "the model as it was", f"another model {step}")
    if call["set"]:
        return Refusal("mutates/settings", "the settings as found", f"{call['set'][0]} {step}")
    return None


def _joined(requests: list[tuple]) -> list[tuple]:
    return [
        (name, [p + a for p, a, _ in pairs], [p + b for p, _, b in pairs], layer)
        for name, pairs, layer in requests
    ]


def caa(calls: list[dict], seed: int) -> Refusal | None:
    return _caa(calls, seed, probes.caa_requests(seed))


def caa_last_block(calls: list[dict], seed: int) -> Refusal | None:
    return _caa(calls, seed, probes.caa_last_requests(seed))


def _caa(calls: list[dict], seed: int, requests: list[tuple]) -> Refusal | None:
    joined = zip(_joined(requests), requests, strict=True)
    pairs_of = {tuple(positives): pairs for (_, positives, *_), (_, pairs, _) in joined}

    def more(reader: Reader, positives, negatives, layer: int) -> Candidates:
        return _of_pairs(reader, pairs_of[tuple(positives)], layer)

    return _vectors(calls, seed, _joined(requests), more)


def _of_pairs(reader: Reader, pairs: list[tuple[str, str, str]], layer: int) -> Candidates:
    def differences(layer: int) -> Tensor:
        return torch.stack([reader.right([p + a], [p + b], layer) for p, a, b in pairs])

    def at_start(prompt: str, completion: str) -> Tensor:
        return reader.stream(prompt + completion, layer)[len(reader.ids(prompt))]

    def begun_twice(prompt: str, completion: str) -> Tensor:
        return reader.stream_of(torch.cat([reader.ids(prompt), reader.ids(completion)]), layer)[-1]

    each = differences(layer)
    positives, negatives = ([f"{p[0]} {p[k]}" for p in pairs] for k in (1, 2))
    stripped = [[f"{p[0]} {p[k].strip()}" for p in pairs] for k in (1, 2)]
    found = [
        ("completion/space", reader.right(positives, negatives, layer)),
        ("completion/space", reader.right(*stripped, layer)),
        (
            "tokens/begin-twice",
            torch.stack([begun_twice(p, a) - begun_twice(p, b) for p, a, b in pairs]).mean(0),
        ),
        ("completion/alone", reader.right([a for _, a, _ in pairs], [b for *_, b in pairs], layer)),
        (
            "completion/first-token",
            torch.stack([at_start(p, a) - at_start(p, b) for p, a, b in pairs]).mean(0),
        ),
        ("vector/zero", 0 * each[0]),
    ]
    if len(pairs) > 1:
        found += [("pairs/one-of-them", each[0]), ("pairs/one-of-them", each[-1])]
        found += [("pairs/sum", each.sum(0)), ("pairs/median", each.median(0).values)]
        units = each / each.norm(dim=-1, keepdim=True)
        found += [("vector/normalized", units.mean(0))]
        once = [pairs.index(pair) == i for i, pair in enumerate(pairs)]
        found += [("pairs/distinct", each[torch.tensor(once)].mean(0))]
    return found


# What is added


def _times(found: Candidates, strength: float) -> Candidates:
    return [(slug, strength * value) for slug, value in found]


def _strengths(right: Tensor, strength: float, before: Tensor) -> Candidates:
    """What arrives more at one position, `right` being the vector."""
    return [
        ("strength/ignored", right),
        ("strength/ignored", right * abs(strength)),
        ("strength/added", right + strength),
        ("strength/doubled", 2 * strength * right),
        ("strength/doubled", strength**2 * right),
        ("steering/multiplies", (strength - 1) * before),
        ("steering/multiplies", strength * before),
        ("steering/multiplies", strength * right * before),
        ("steering/multiplies", (strength - 1) * before + right),
        ("steering/multiplies", (strength - 1) * before + strength * right),
        ("steering/multiplies", (right - 1) * before),
        ("steering/multiplies", (strength * right - 1) * before),
        ("steering/replaces", strength * right - before),
        ("steering/replaces", right - before),
    ]


def _even(passes: list[dict], block: int, expected: Tensor) -> Refusal | None:
    """Does every row and position of every pass get `expected`?"""
    added = [_added(one, block) for one in passes]
    got = [_rows_like(x, expected) for x in added]
    if all(x.all() for x in got):
        return None
    wanted = f"the same at every position of {len(passes)} passes"
    prompt, later = got[0], got[1:]
    place = [f"{list(x.shape)}: {int(x.sum())}" for x in got]
    seen = f"right at (of [batch, positions]) {', '.join(place[:4])}"
    slug = "positions/uneven"
    nothing = [not x.any() for x in added]
    if prompt.all() and later and all(nothing[1:]):
        slug = "positions/prefill-only"
    elif nothing[0] and later and all(x.all() for x in later):
        slug = "positions/decode-only"
    elif len(prompt) > 1 and all(x[0].all() and not x[1:].any() for x in got):
        slug = "positions/first-row"
    elif prompt.shape[1] > 1 and prompt[:, -1].all() and not prompt[:, :-1].any():
        slug = "positions/last-only"
    elif prompt.shape[1] > 1 and prompt[:, 0].all() and not prompt[:, 1:].any():
        slug = "positions/first-only"
    elif prompt.all() and later and not later[-1].any() and not nothing[-1]:
        slug = "strength/grows"
    return Refusal(slug, wanted, seen)


def _added(one: dict, block: int) -> Tensor:
    """[batch, pos, d_model]; zeros where nothing was added."""
    zeros = torch.zeros(*one["ids"].shape, probes.D_MODEL, dtype=torch.float64)
    added = one["added"].get(block, zeros)
    return added if added.shape == zeros.shape else torch.full_like(zeros, math.nan)


def _rows_like(added: Tensor, expected: Tensor) -> Tensor:
    scale = expected.abs().max().item()
    close = torch.isclose(added, expected.double(), rtol=TOLERANCE, atol=TOLERANCE * scale)
    return close.all(-1)


def _elsewhere(passes: list[dict], block: int) -> Refusal | None:
    blocks = sorted({i for one in passes for i in one["added"]})
    expected = f"something added at the output of block {block}"
    if not blocks:
        return Refusal("steering/none", expected, "nothing")
    if block not in blocks:
        return Refusal("steering/another-block", expected, f"added at block {blocks[0]}")
    if blocks != [block]:
        return Refusal("steering/another-block", expected, f"added at blocks {blocks}")
    return None


# steering_hook


def hook(calls: list[dict], seed: int) -> Refusal | None:
    runs = [call for call in calls if "passes" in call]
    if refusal := _not_made(calls, "a hook"):
        return refusal
    wrong, first = [], None
    blocks = [block for _, block in probes.HOOK_PLACES]
    for call, block, (vector, strength) in zip(runs, blocks, probes.hook_inputs(seed), strict=True):
        if call["outcome"] == "raised":
            return _hook_raised(call)
        if refusal := _elsewhere(call["passes"], block):
            return refusal
        one = call["passes"][0]
        if block not in one["added"] or _close(_added(one, block)[0, 0], strength * vector):
            continue  # right where it is: positions are judged below
        seen, before = _added(one, block)[0, -1], one["before"][block][0, -1]
        if not _close(seen, strength * vector):
            found = _strengths(vector, strength, before)
            found += [("sign/reversed", -strength * vector)]
            found += [("vector/normalized", strength * vector / vector.norm())]
            wrong.append((seen, found))
            first = first or (common.numbers(strength * vector), common.numbers(seen))
    if wrong:
        return Refusal(_explained(*zip(*wrong, strict=True)), *first)
    for call, block, (vector, strength) in zip(runs, blocks, probes.hook_inputs(seed), strict=True):
        if refusal := _even(call["passes"], block, strength * vector):
            return refusal
    return common.mutation([call for call in calls if "passes" not in call])


def _not_made(calls: list[dict], what: str) -> Refusal | None:
    for call in calls:
        if "callable" not in call or call.get("ran"):
            continue
        if call["outcome"] == "raised":
            return _raised(call, what)
        if not call["callable"]:
            value = call["value"]
            seen = value["text"] if isinstance(value, dict) and "text" in value else repr(value)
            return Refusal("hook/not-returned", f"{what}: a function", seen[:80])
    return None


def _hook_raised(call: dict, is_tuple: bool = False) -> Refusal:
    text = call["text"]
    refusal = common.raised(call, "a pass through the model")
    if _lost_a_dimension(call):
        return Refusal("positions/first-row", "[batch, pos, d_model]", "a dimension is lost")
    if call["error"] == "TypeError" and "positional argument" in text:
        return Refusal("hook/arguments", refusal.expected, refusal.seen)
    if is_tuple:
        return Refusal("hook/tuple-not-handled", refusal.expected, refusal.seen)
    if "tuple" in text or not call["line"]:
        return Refusal("hook/returns-tuple", refusal.expected, refusal.seen)
    return refusal


def _lost_a_dimension(call: dict) -> bool:
    """Whether fewer than three dimensions arrived behind a block: output[0] of a tensor."""
    return any(dim < 3 for one in call.get("passes", []) for dim in one["dims"].values())


def hook_tuples(calls: list[dict], seed: int) -> Refusal | None:
    if refusal := _not_made(calls, "a hook"):
        return refusal
    for call, (vector, strength, output) in zip(calls, probes.tuple_inputs(seed), strict=True):
        if call["outcome"] == "raised":
            return _hook_raised(call, is_tuple=True)
        value, expected = call["value"], "a tuple of 2: the activation and the rest"
        if isinstance(value, Tensor):
            return Refusal("hook/drops-the-rest", expected, f"a tensor {list(value.shape)}")
        if not isinstance(value, list):
            return Refusal("hook/tuple-not-handled", expected, str(value)[:80])
        if call["kind"] == "list":
            return Refusal("hook/list", expected, "a list")
        if len(value) != 2:
            return Refusal("hook/drops-the-rest", expected, f"{len(value)} entries")
        if not _close(value[1], output[1]):
            return Refusal("hook/other-entry", "the second entry as it was", "another one")
        if _close(value[0], output[0]):
            return Refusal("hook/tuple-not-handled", expected, "the activation as it was")
        right = output[0] + strength * vector
        if not _close(value[0], right):
            mistakes = [
                ("strength/ignored", output[0] + vector),
                ("sign/reversed", output[0] - strength * vector),
            ]
            slug = _explained([value[0]], [mistakes])
            return Refusal(slug, common.numbers(right[0, 0]), _shown(value[0]))
    return None


def _shown(value: object) -> str:
    return common.numbers(value) if isinstance(value, Tensor) else str(value)[:80]


def hook_dtypes(calls: list[dict], seed: int) -> Refusal | None:
    if refusal := _not_made(calls, "a hook"):
        return refusal
    *calls, on_meta = calls
    for call, (vector, strength, output) in zip(calls, probes.dtype_inputs(seed), strict=True):
        expected = f"{output.dtype} in, {output.dtype} out"
        if call["outcome"] == "raised":
            refusal = common.raised(call, expected)
            is_dtype = re.search("dtype|can't be cast|scalar type", call["text"])
            return Refusal("dtype/not-cast", expected, refusal.seen) if is_dtype else refusal
        value = call["value"]
        if isinstance(value, Tensor) and value.dtype != output.dtype:
            return Refusal("dtype/not-cast", expected, str(value.dtype))
        right = output.double() + strength * vector.double()
        if not isinstance(value, Tensor) or value.shape != right.shape:
            return Refusal("value/wrong", f"a tensor {list(right.shape)}", _shown(value))
        if not torch.allclose(value.double(), right, rtol=0.03, atol=0.1):
            return Refusal("value/wrong", common.numbers(right[0, 0]), common.numbers(value[0, 0]))
    return common.device(on_meta)


# LLMSteering


def _session(calls: list[dict]) -> Refusal | None:
    """A refusal for a step that raised."""
    for call in calls:
        if call["outcome"] != "raised":
            continue
        if call["step"].startswith("remove_steering"):
            return Refusal("state/remove-raises", "no error", common.error_text(call))
        if _lost_a_dimension(call):
            return Refusal("positions/first-row", "[batch, pos, d_model]", "a dimension is lost")
        if call["error"] in ("TypeError", "AttributeError") and "tuple" in call["text"]:
            return Refusal("hook/returns-tuple", call["step"], common.error_text(call))
        if "max_length" in call["text"]:
            return Refusal("length/total", call["step"], common.error_text(call))
        if call["error"] == "TypeError" and "multiple values" in call["text"]:
            return Refusal("kwargs/fixed", call["step"], common.error_text(call))
        return _raised(call, call["step"])
    return None


def _generated(calls: list[dict]) -> list[dict]:
    return [call for call in calls if call["step"].startswith("generate")]


def class_vector(calls: list[dict], seed: int) -> Refusal | None:
    """Judges the last position of the prefill; what others get is the next case."""
    if refusal := _session(calls):
        return refusal
    generated = _generated(calls)
    if not any(one["added"] for call in generated for one in call["passes"]):
        return Refusal("steering/none", "something added", "nothing")
    wrong, first = [], None
    requests = probes.class_vector_requests(seed)
    for call, (name, positive, negative, layer, given) in zip(generated, requests, strict=True):
        strength = given[0] if given else 1.0
        one = call["passes"][0]
        if set(one["added"]) - {layer}:
            return _elsewhere(call["passes"][:1], layer)
        reader = _reader(name, seed)
        right = reader.right([positive], [negative], layer)
        seen = _added(one, layer)[0, -1]
        if _close(seen, strength * right) or _close(_added(one, layer)[0, 0], strength * right):
            continue
        found = _times(reader.candidates([positive], [negative], layer), strength)
        if layer in one["added"]:
            found += _strengths(right, strength, one["before"][layer][0, -1])
        wrong.append((seen, found))
        first = first or (
            f"{common.numbers(strength * right)} added ({name}, block {layer})",
            common.numbers(seen),
        )
    return Refusal(_explained(*zip(*wrong, strict=True)), *first) if wrong else None


def class_positions(calls: list[dict], seed: int) -> Refusal | None:
    if refusal := _session(calls):
        return refusal
    plain, beams = (call["passes"] for call in _generated(calls))
    for passes in (plain, beams):
        if not any(one["added"] for one in passes):
            return Refusal("steering/none", "something added", "nothing")
    if all(len(one["ids"]) == 1 for one in beams):
        return Refusal("kwargs/dropped", "num_beams=2: two rows", "one row")
    usual = []
    for passes in (plain, beams):
        block = next(iter(next(one["added"] for one in passes if one["added"])))
        usual.append(_usual(passes, block))
        if refusal := _even(passes, block, usual[-1]):
            return refusal
    if not _close(usual[1], usual[0]):
        if refusal := _traces(_generated(calls)[0], "hooks/left-on"):
            return refusal
        norms = [f"norm {common.number(x.norm().item())}" for x in usual]
        return Refusal(
            "strength/grows", f"{norms[0]} in every generate", f"{norms[1]} in the second"
        )
    return None


def _usual(passes: list[dict], block: int) -> Tensor:
    """What the first position that gets anything gets, from the end of the first such pass."""
    one = next(one for one in passes if block in one["added"])
    rows = _added(one, block)[0]
    return rows[rows.abs().sum(-1) > 0][-1] if rows.abs().sum() else _added(one, block)[-1, -1]


def class_text(calls: list[dict], seed: int) -> Refusal | None:
    if refusal := _session(calls):
        return refusal
    requests = probes.text_requests(seed)
    *unsteered, steered, short = _generated(calls)
    refusals = [
        _text(call["value"], *request, seed)
        for call, request in zip(unsteered, requests, strict=True)
    ]
    refusals.append(_steered_text(steered["value"], seed))
    found = [refusal for refusal in refusals if refusal]
    clear = [refusal for refusal in found if refusal.slug != "text/wrong"]
    if found:
        return (clear + found)[0]
    written = len(short["passes"])
    if written != probes.DEFAULT_LENGTH:
        return Refusal("length/default", f"{probes.DEFAULT_LENGTH} tokens", f"{written} tokens")
    return None


def _steered_text(seen: object, seed: int) -> Refusal | None:
    """Judges the form of a steered text; which words it holds the vector's own case judges."""
    reader = _reader(probes.LLAMA, seed)
    _, prompt, options = probes.steered_text_request(seed)
    new = options["max_new_tokens"]
    expected = f"{prompt!r} and {new} tokens more, steered"
    if not isinstance(seen, str):
        return common.wrong_type(seen, expected) or Refusal("result/wrong-type", expected, "…")
    shown = common.excerpt(seen)
    if not seen.startswith(prompt):
        return Refusal("text/continuation-alone", expected, shown)
    ids = reader.tokenizer(seen[len(prompt) :], add_special_tokens=False)["input_ids"]
    if set(ids) & set(options["suppress_tokens"]):
        return Refusal("kwargs/dropped", expected, shown)
    if len(ids) != new:
        return Refusal("length/total", expected, f"{len(ids)} tokens more")
    return None


def _text(seen: object, name: str, prompt: str, options: dict, seed: int) -> Refusal | None:
    reader = _reader(name, seed)
    ids = reader.ids(prompt)[None]
    length = ids.shape[1]

    def written(**options) -> Tensor:
        with torch.no_grad():
            mask = torch.ones_like(ids)
            return reader.model.generate(ids, attention_mask=mask, **options)[0]

    def decoded(ids: Tensor, skip: bool = True) -> str:
        return reader.tokenizer.decode(ids, skip_special_tokens=skip)

    full = written(**options)
    right = decoded(full)
    if seen == right:
        return None
    expected = common.excerpt(right)
    if isinstance(seen, list):
        return Refusal("text/list", expected, f"a list of {len(seen)}")
    if not isinstance(seen, str):
        return common.wrong_type(seen, expected) or Refusal(
            "result/wrong-type", expected, "a tensor"
        )
    new = options["max_new_tokens"]
    bare = written(max_new_tokens=new)
    candidates = [
        ("text/continuation-alone", decoded(full[length:])),
        ("text/continuation-alone", decoded(full[length:]).strip()),
        ("text/special-tokens", decoded(full, skip=False)),
        ("text/prompt-twice", prompt + right),
        ("text/prompt-twice", f"{prompt} {right}"),
        ("kwargs/dropped", decoded(bare)),
        ("kwargs/dropped", decoded(bare[length:])),
    ]
    for slug, text in candidates:
        if seen == text:
            return Refusal(slug, expected, common.excerpt(seen))
    words = len(seen.split()) - len(prompt.split())
    slug = "length/total" if seen.startswith(prompt) and words != new else "text/wrong"
    return Refusal(slug, expected, common.excerpt(seen))


def class_switch(calls: list[dict], seed: int) -> Refusal | None:
    if refusal := _session(calls):
        return refusal
    first, second, third = probes.switch_prompts(seed)
    reader = _reader(probes.GEMMA, seed)
    at_two = [reader.right([p], [n], 2) for p, n in (first, second)]
    at_one = reader.right([third[0]], [third[1]], 1)
    generated = [call["passes"][0] for call in _generated(calls)]
    last = 1.5 * reader.right([first[0]], [first[1]], 1)
    steps = [(1, -2.0 * at_one), (2, at_two[0]), (2, 0.5 * at_two[1]), (1, last)]
    for number, (one, (block, right)) in enumerate(zip(generated, steps, strict=False)):
        added = {i: x[0, -1] for i, x in one["added"].items()}
        if set(added) - {block}:
            slug = "state/adds-up" if number else "steering/another-block"
            blocks = sorted(added)
            return Refusal(slug, f"added at block {block} alone", f"added at blocks {blocks}")
        if block not in added:
            return Refusal("steering/none", f"something added at block {block}", "nothing")
        seen = added[block]
        if not number and not _close(seen, right):
            break  # no vector is right: the first case says why
        if not _close(seen, right):
            found = (
                [("state/vector-of-another-block", 1.5 * at_two[0])]
                + [("state/vector-of-another-pair", 1.5 * v) for v in (at_one, at_two[1])]
                + [("state/earlier-strength", x / 1.5 * last) for x in (-2.0, 1.0, 0.5)]
                if number == 3
                else _switched(Reader(probes.GEMMA, seed), number, first, third, at_one, at_two)
            )
            slug = _explained([seen], [found])
            slug = "state/another-vector" if slug == "value/wrong" else slug
            return Refusal(slug, common.numbers(right), common.numbers(seen))
    for one in generated[len(steps) :]:
        if one["added"]:
            blocks = sorted(one["added"])
            slug = "state/removed-still-steers"
            return Refusal(slug, "nothing added after remove_steering", f"added at {blocks}")
    return None


def _switched(reader: Reader, number: int, first, third, at_one, at_two) -> Candidates:
    """What may be in force by mistake after the second and the third set_steering."""
    earlier, now = (at_one, at_two[0]) if number == 1 else (at_two[0], at_two[1])
    strength, before = (1.0, -2.0) if number == 1 else (0.5, 1.0)
    found = [
        ("state/vector-of-another-pair", strength * earlier),
        ("state/vector-of-another-pair", before * earlier),
        ("state/vector-of-another-pair", strength * reader.right([third[0]], [third[1]], 2)),
        ("state/vector-of-another-pair", strength * at_two[0]),
        ("state/earlier-strength", before * now),
        ("state/earlier-strength", -2.0 * now),
        ("state/adds-up", before * earlier + strength * now),
    ]
    if number == 1:
        parts = anatomy(reader.model)
        handle = parts.blocks[1].register_forward_hook(
            lambda module, args, output: (
                (output[0] - 2.0 * at_one, *output[1:])
                if isinstance(output, tuple)
                else output - 2.0 * at_one
            )
        )
        reader.seen.clear()
        under = reader.right([first[0]], [first[1]], 2)
        handle.remove()
        found.append(("state/read-under-steering", under))
    return found


def class_traces(calls: list[dict], seed: int) -> Refusal | None:
    building, setting, generated, failed, interrupted, removed = calls
    for call in (building, setting, generated, removed):
        if call["outcome"] == "raised":
            return _session([call])
    for call, left in (
        (building, "hooks/on-outside-generate"),
        (setting, "hooks/on-outside-generate"),
        (generated, "hooks/left-on"),
        (failed, "hooks/left-after-error"),
        (interrupted, "hooks/left-after-interrupt"),
        (removed, "hooks/left-on"),
    ):
        if refusal := _traces(call, left):
            return refusal
    return None


# actadd_edit


def _two_streams(
    reader: Reader,
    positive: str,
    negative: str,
    layer: int,
    fill: Sequence[int] = (),
    left: bool = False,
    masked: bool = False,
) -> tuple[Tensor, Tensor]:
    """Both prompts at every position, the shorter one filled with these ids in turn."""
    ids = [reader.ids(text).tolist() for text in (positive, negative)]
    length = max(map(len, ids))
    fill = list(fill) or [probes.tokens().index("Ġ")]
    fills = [(fill * length)[: length - len(row)] for row in ids]
    pairs = zip(ids, fills, strict=True)
    rows = torch.tensor([f + row if left else row + f for row, f in pairs])
    real = torch.tensor([[int(i < len(row)) for i in range(length)] for row in ids])
    one, other = reader.batch(rows, layer, real if masked else None)
    return one, other


def _rows(reader: Reader, *prompts_and_layer, **how) -> Tensor:
    one, other = _two_streams(reader, *prompts_and_layer, **how)
    return one - other


def _aligned(reader: Reader, positive: str, negative: str, layer: int) -> Candidates:
    names = probes.tokens()
    space, last = names.index("Ġ"), len(names) - 1
    ways = [
        ("pad/left", {"left": True}),
        ("pad/masked", {"masked": True}),
        ("pad/begin-token", {"fill": [1]}),
        ("pad/begin-token", {"fill": [1, space]}),
        ("pad/another-token", {"fill": [0]}),
        ("pad/another-token", {"fill": [0], "masked": True}),
        ("pad/another-token", {"fill": [0], "left": True}),
        ("pad/another-token", {"fill": [0], "left": True, "masked": True}),
        ("pad/another-token", {"fill": [last]}),
    ]
    found = [(slug, _rows(reader, positive, negative, layer, **how)) for slug, how in ways]
    streams = [reader.stream(text, layer) for text in (positive, negative)]
    short = min(map(len, streams))
    found.append(("align/cut", streams[0][:short] - streams[1][:short]))
    longest = max(map(len, streams))
    spaced = [
        reader.stream(text + " " * (longest - len(stream)), layer)
        for text, stream in zip((positive, negative), streams, strict=True)
    ]
    short = min(map(len, spaced))
    return [*found, ("pad/text", spaced[0][:short] - spaced[1][:short])]


def actadd(calls: list[dict], seed: int) -> Refusal | None:
    """Judges the first positions of the prefill."""
    if refusal := _not_made(calls, "a function"):
        return refusal
    runs = [call for call in calls if "passes" in call]
    wrong, first = [], None
    for call, request in zip(runs, probes.actadd_requests(seed), strict=True):
        name, positive, negative, layer, strength = request
        if call["outcome"] == "raised":
            return _raised(call, f"a pass through {name}")
        reader = _reader(name, seed)
        right = _rows(reader, positive, negative, layer)
        n = len(right)
        one = call["passes"][0]
        if not any(one["added"] for one in call["passes"]):
            return Refusal("steering/none", f"something added at block {layer}", "nothing")
        added = _added(one, layer)
        if _close(added[0, :n], strength * right):
            continue
        found = _actadd_candidates(reader, request, right, added.shape[1])
        seen = added[0] if not _close(added[0], added[0] * 0) else added[-1]
        wrong.append((seen, found))
        first = first or (
            f"norms {common.numbers((strength * right).norm(dim=-1))} ({name})",
            f"norms {common.numbers(seen.norm(dim=-1))}",
        )
    return Refusal(_explained(*zip(*wrong, strict=True)), *first) if wrong else None


def _actadd_candidates(reader: Reader, request: tuple, right: Tensor, length: int) -> Candidates:
    """What is added at each position of a prompt of so many tokens."""
    _, positive, negative, layer, strength = request

    def at_start(rows: Tensor) -> Tensor:
        whole = torch.zeros(length, rows.shape[-1], dtype=rows.dtype)
        whole[: len(rows)] = rows[:length]
        return whole

    def at_end(rows: Tensor) -> Tensor:
        return at_start(rows).roll(length - len(rows), 0)

    def everywhere(row: Tensor) -> Tensor:
        return row.expand(length, -1)

    found = [
        (slug, at_start(strength * v)) for slug, v in _aligned(reader, positive, negative, layer)
    ]
    early = _rows(reader, positive, negative, layer - 1)
    single = reader.right([positive], [negative], layer)
    one, other = _two_streams(reader, positive, negative, layer)
    norm = anatomy(reader.model).final_norm
    found += [
        ("layer/after-final-norm", at_start(strength * (norm(one) - norm(other)))),
        ("vector/one-text", at_start(strength * one)),
        ("vector/one-text", at_start(-strength * other)),
        ("sign/added", at_start(strength * (one + other))),
        ("vector/normalized", at_start(strength * right / right.norm())),
        ("vector/normalized", at_start(strength * nn.functional.normalize(right))),
        ("layer/off-by-one", at_start(strength * early)),
        ("sign/reversed", at_start(-strength * right)),
        ("strength/ignored", at_start(right)),
        ("strength/doubled", at_start(strength**2 * right)),
        ("align/end", at_end(strength * right)),
    ]
    rows = (right[-1], right[0], right.mean(0), right.sum(0), single)
    found += [("align/one-row", everywhere(strength * row)) for row in rows]
    starts = [row.expand(len(right), -1) for row in rows]
    return found + [("align/one-row", at_start(strength * s)) for s in starts]


def actadd_elsewhere(calls: list[dict], seed: int) -> Refusal | None:
    """Judges decoding, what comes behind the vector, and the second row of the batch."""
    if refusal := _not_made(calls, "a function"):
        return refusal
    _, run, again = calls
    if run["outcome"] == "raised":
        if run["error"] == "ValueError" and len(run["passes"]) > 1:
            expected = "a decoding pass of one token: no error"
            return Refusal("short/refuses-decoding", expected, common.error_text(run))
        return _raised(run, "a pass through the model")
    if again["outcome"] == "raised":
        return _raised(again, "a second prompt")
    n = 2  # words
    prefill, *decoding = (_added(one, 1) for one in run["passes"])
    if any(x.any() for x in decoding):
        number = sum(bool(x.any()) for x in decoding)
        expected = "nothing added in decoding passes"
        return Refusal("positions/every-pass", expected, f"added in {number} of {len(decoding)}")
    if prefill[:, n:].any() and prefill[:, :n].any():
        return Refusal("positions/beyond", f"nothing from position {n} on", "something")
    if prefill[0, :n].any() and not _close(prefill[1, :n], prefill[0, :n]):
        return Refusal("positions/first-row", "the same in every row", "another in the second")
    if prefill.any() and not _added(again["passes"][0], 1).any():
        return Refusal("state/one-prompt", "the same for a second prompt", "nothing added")
    return _traces(again, "hooks/left-on") or _traces(calls[0], "hooks/left-on")


def actadd_short(calls: list[dict], seed: int) -> Refusal | None:
    if refusal := _not_made(calls, "a function"):
        return refusal
    fits, *short = (call for call in calls if "passes" in call)
    if fits["outcome"] == "raised":
        if fits["error"] == "ValueError":
            seen = common.error_text(fits)
            return Refusal("short/refuses-fitting", "4 tokens, 4 rows: no error", seen)
        return _raised(fits, "a pass through the model")
    for call, length in zip(short, (3, 1), strict=True):
        expected = f"ValueError: a prompt of {length} tokens, 4 rows"
        if call["outcome"] != "raised":
            return Refusal("short/accepted", expected, "no error")
        if call["error"] != "ValueError":
            return Refusal("short/other-error", expected, common.error_text(call))
    return None


# slerp


def _slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    x, y = a.double(), b.double()
    n, m = x.norm(), y.norm()
    cosine = (x @ y / (n * m)).clamp(-1, 1)
    angle = torch.acos(cosine)
    if torch.sin(angle) < 1e-6:
        return ((1 - t) * x + t * y).to(a)
    way = torch.sin((1 - t) * angle) * x / n + torch.sin(t * angle) * y / m
    return (((1 - t) * n + t * m) * way / torch.sin(angle)).to(a)


def _unit(x: Tensor) -> Tensor:
    return x / x.norm()


def _not_normalized(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The sines on the vectors themselves."""
    angle = torch.acos((_unit(a) @ _unit(b)).clamp(-1, 1))
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def _raw_angle(a: Tensor, b: Tensor, t: float) -> Tensor:
    angle = torch.acos((a @ b).clamp(-1, 1))
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


_SLERP = [
    ("path/linear", lambda a, b, t: (1 - t) * a + t * b),
    ("path/not-normalized", _not_normalized),
    ("path/not-normalized", _raw_angle),
    (
        "path/not-normalized",
        lambda a, b, t: _unit(_not_normalized(a, b, t)) * ((1 - t) * a.norm() + t * b.norm()),
    ),
    (
        "path/not-normalized",
        lambda a, b, t: _unit(_raw_angle(a, b, t)) * ((1 - t) * a.norm() + t * b.norm()),
    ),
    (
        "path/not-normalized",
        lambda a, b, t: _not_normalized(a, b, t) * ((1 - t) * a.norm() + t * b.norm()),
    ),
    (
        "path/normalized-linear",
        lambda a, b, t: (
            _unit((1 - t) * _unit(a) + t * _unit(b)) * ((1 - t) * a.norm() + t * b.norm())
        ),
    ),
    (
        "path/normalized-linear",
        lambda a, b, t: _unit((1 - t) * a + t * b) * ((1 - t) * a.norm() + t * b.norm()),
    ),
    ("path/linear", lambda a, b, t: _unit((1 - t) * _unit(a) + t * _unit(b))),
    ("norm/one", lambda a, b, t: _unit(_slerp(a, b, t))),
    ("norm/of-one", lambda a, b, t: _unit(_slerp(a, b, t)) * a.norm()),
    ("norm/of-one", lambda a, b, t: _unit(_slerp(a, b, t)) * b.norm()),
    ("norm/of-one", lambda a, b, t: _unit(_slerp(a, b, t)) * (a.norm() + b.norm()) / 2),
    ("norm/of-one", lambda a, b, t: _unit(_slerp(a, b, t)) * torch.maximum(a.norm(), b.norm())),
    (
        "norm/geometric",
        lambda a, b, t: _unit(_slerp(a, b, t)) * a.norm() ** (1 - t) * b.norm() ** t,
    ),
    ("path/flipped", lambda a, b, t: _slerp(a, -b if a @ b < 0 else b, t)),
    ("path/swapped", lambda a, b, t: _slerp(b, a, t)),
    ("path/swapped", lambda a, b, t: _unit(_slerp(b, a, t)) * ((1 - t) * a.norm() + t * b.norm())),
]


def slerp(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.slerp_inputs(seed)
    wrong, first, refused, places = [], None, None, []
    for place, (call, arguments) in enumerate(zip(calls, inputs, strict=True)):
        right = _slerp(*arguments)
        expected = f"{common.numbers(right)}, t = {arguments[2]}"
        if call["outcome"] == "raised" and call["error"] == "ValueError":
            refused = refused or common.raised(call, expected)
            places.append(place)
            continue
        if call["outcome"] == "raised":
            return common.raised(call, expected)
        if refusal := common.wrong_type(call["value"], expected):
            return refusal
        if call["value"].shape != right.shape:
            shapes = f"shape {list(right.shape)}", f"shape {list(call['value'].shape)}"
            return Refusal("shape/wrong", *shapes)
        if not _close(call["value"], right):
            wrong.append((call["value"], [(s, f(*arguments)) for s, f in _SLERP]))
            places.append(place)
            first = first or (
                f"{expected}, norm {right.norm().item():.3g}",
                f"{common.numbers(call['value'])}, norm {call['value'].norm().item():.3g}",
            )
    if not places:
        return common.mutation(calls)
    if min(places) >= len(inputs) - probes.NEARLY:
        return Refusal("edge/margin", *(first or (refused.expected, refused.seen)))
    if not wrong:
        return refused
    slug = _explained(*zip(*wrong, strict=True))
    if slug == "value/wrong" and any(value.isnan().any() for value, _ in wrong):
        slug = "path/not-normalized"
    return Refusal(slug, *first)


def slerp_colinear(calls: list[dict], seed: int) -> Refusal | None:
    for call, (a, b, t) in zip(calls, probes.colinear_inputs(seed), strict=True):
        right = (1 - t) * a + t * b
        expected = f"{common.numbers(right)}, the linear mixture"
        if call["outcome"] == "raised":
            refusal = common.raised(call, expected)
            told = call["error"] in ("ValueError", "ZeroDivisionError", "AssertionError")
            return Refusal("edge/colinear", expected, refusal.seen) if told else refusal
        if refusal := common.wrong_type(call["value"], expected):
            return refusal
        if call["value"].shape != right.shape:
            return Refusal("shape/wrong", f"shape {list(right.shape)}", "another")
        if not torch.allclose(call["value"].double(), right.double(), rtol=1e-3, atol=1e-3):
            return Refusal("edge/colinear", expected, common.numbers(call["value"]))
    return None


def slerp_refused(calls: list[dict], seed: int) -> Refusal | None:
    for number, call in enumerate(calls):
        slug = "edge/opposite" if number < 3 else "edge/zero"
        what = "opposite vectors" if number < 3 else "a zero vector"
        if call["outcome"] != "raised":
            return Refusal(slug, f"ValueError for {what}", "no error")
        if call["error"] != "ValueError":
            refusal = common.raised(call, f"ValueError for {what}")
            if refusal.slug == "raises/undefined-name":
                return refusal
            return Refusal("edge/other-error", refusal.expected, refusal.seen)
    return None


# share_of_kind


def _counts(texts, wanted, other) -> tuple[int, int]:
    """By regular expressions: a word between blanks, punctuation around it."""

    def count(words: Sequence[str]) -> int:
        pattern = "|".join(map(re.escape, words))
        found = rf'(?<!\S)[.,!?":;]*(?:{pattern})[.,!?":;]*(?!\S)'
        return sum(len(re.findall(found, text)) for text in texts) if words else 0

    both = set(wanted) & set(other)
    return count([w for w in wanted if w not in both]), count([w for w in other if w not in both])


def _share(good: float, bad: float) -> float:
    return good / (good + bad) if good + bad else math.nan


def _right_share(texts, wanted, other) -> float:
    return _share(*_counts(texts, wanted, other))


def _per_text(texts, wanted, other) -> list[float]:
    return [_right_share([text], wanted, other) for text in texts]


def _mean_of_texts(texts, wanted, other) -> float:
    shares = [share for share in _per_text(texts, wanted, other) if not math.isnan(share)]
    return sum(shares) / len(shares) if shares else math.nan


def _zero_for_nothing(texts, wanted, other) -> float:
    shares = [0.0 if math.isnan(s) else s for s in _per_text(texts, wanted, other)]
    return sum(shares) / len(shares) if shares else math.nan


def _bare(texts, wanted, other) -> float:
    words = [word for text in texts for word in text.split()]
    return _share(sum(w in wanted for w in words), sum(w in other for w in words))


def _parts(texts, wanted, other) -> float:
    text = "\n".join(texts)
    return _share(sum(text.count(w) for w in wanted), sum(text.count(w) for w in other))


def _parts_once(texts, wanted, other) -> float:
    pairs = [(w, text) for text in texts for w in [*wanted, *other]]
    good = sum(w in text for w, text in pairs if w in wanted)
    return _share(good, sum(w in text for w, text in pairs if w in other))


def _words(texts) -> list[str]:
    return [word.strip('.,!?":;') for text in texts for word in text.split()]


def _distinct(texts, wanted, other) -> float:
    words = set(_words(texts))
    return _share(len(words & set(wanted)), len(words & set(other)))


def _distinct_per_text(texts, wanted, other) -> float:
    said = [set(_words([text])) for text in texts]
    return _share(sum(len(s & set(wanted)) for s in said), sum(len(s & set(other)) for s in said))


def _of_texts(texts, wanted, other) -> float:
    counts = [_counts([text], wanted, other) for text in texts]
    return sum(g > b for g, b in counts) / len(texts) if texts else math.nan


def _any_good(texts, wanted, other) -> float:
    counts = [_counts([text], wanted, other) for text in texts]
    return sum(g > 0 for g, _ in counts) / len(texts) if texts else math.nan


def _of_counts(function: Callable) -> Callable:
    return lambda *args: float(function(*_counts(*args)))


_SCORES = [
    ("count/all-words", lambda t, w, o: _counts(t, w, o)[0] / max(1, len(_words(t)))),
    ("count/mean-of-texts", _mean_of_texts),
    ("count/mean-of-texts", _zero_for_nothing),
    ("count/ratio", _of_counts(lambda g, b: g / b if b else math.inf)),
    ("count/difference", _of_counts(lambda g, b: g - b)),
    ("count/difference", _of_counts(lambda g, b: (g - b) / (g + b) if g + b else math.nan)),
    (
        "count/difference",
        lambda t, w, o: (lambda g, b: (g - b) / max(1, len(_words(t))))(*_counts(t, w, o)),
    ),
    ("count/other-share", _of_counts(lambda g, b: _share(b, g))),
    ("count/number", _of_counts(lambda g, b: g)),
    ("count/percent", lambda *args: 100 * _right_share(*args)),
    ("count/distinct", _distinct),
    ("count/distinct", _distinct_per_text),
    ("spelling/substring", _parts),
    ("spelling/substring", _parts_once),
    ("count/texts", _of_texts),
    ("count/texts", _any_good),
    ("count/first-text", lambda t, w, o: _right_share(t[:1], w, o)),
    ("count/first-text", lambda t, w, o: _right_share(t[-1:], w, o)),
]


def score(calls: list[dict], seed: int) -> Refusal | None:
    return _scores(calls, probes.score_inputs(seed), "value/wrong")


def score_spelling(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.spelling_inputs(seed)
    refusal = _scores(calls, inputs, "value/wrong")
    if refusal is None or refusal.slug.startswith(("raises", "result", "lists")):
        return refusal
    wrong = {
        name
        for name, call, args in zip(probes.SPELLINGS, calls, inputs, strict=True)
        if not _same_number(call["value"], _right_share(*args))
    }
    order = "substring", "hyphen", "inside", "case", "white-space", "other-ends"
    found = [name for name in order if name in wrong]
    if "punctuation" not in wrong:
        return Refusal(f"spelling/{found[0]}", refusal.expected, refusal.seen)
    if "substring" not in wrong:
        return Refusal("spelling/punctuation", refusal.expected, refusal.seen)
    return refusal


def _same_number(seen: object, right: float) -> bool:
    if isinstance(seen, Tensor) and seen.numel() == 1:
        seen = seen.item()
    if not isinstance(seen, int | float):
        return False
    return math.isclose(seen, right, rel_tol=1e-6, abs_tol=1e-9) or (
        math.isnan(seen) and math.isnan(right)
    )


def _scores(calls: list[dict], inputs: list[tuple], other: str) -> Refusal | None:
    wrong = []
    for call, arguments in zip(calls, inputs, strict=True):
        right = _right_share(*arguments)
        if call["outcome"] == "raised":
            refusal = common.raised(call, common.number(right))
            if not isinstance(arguments[1], list) and "frozenset" in call["text"]:
                return Refusal("lists/only-lists", refusal.expected, refusal.seen)
            return refusal
        value = call["value"]
        if value is None:
            return Refusal("result/none", common.number(right), "None")
        if isinstance(value, Tensor) and value.numel() == 1:
            value = value.item()
        if not isinstance(value, int | float):
            return Refusal("result/wrong-type", "a number", str(value)[:80])
        if not _same_number(value, right):
            wrong.append((value, arguments, right))
    if not wrong:
        return None
    value, arguments, right = wrong[0]
    expected, seen = f"{right:.3g} for {common.excerpt(str(arguments[0]))}", f"{value:.3g}"
    fitting = {}
    for slug, function in _SCORES:
        fits = [_same_number(v, function(*args)) for v, args, _ in wrong]
        before = fitting.get(slug, [False] * len(fits))
        fitting[slug] = fits if sum(fits) > sum(before) else before
    best = next(
        (slug for quantor in (all, any) for slug in fitting if quantor(fitting[slug])), other
    )
    return Refusal(best, expected, seen)


def score_empty(calls: list[dict], seed: int) -> Refusal | None:
    inputs = probes.empty_inputs(seed)
    nothing, both, no_texts = calls
    for call in (nothing, no_texts):
        if call["outcome"] == "raised":
            told = call["error"] in ("ZeroDivisionError", "ValueError", "StatisticsError")
            seen = common.error_text(call)
            return Refusal("empty/error", "nan", seen) if told else common.raised(call, "nan")
        if call["value"] is None:
            return Refusal("result/none", "nan", "None")
        if not _same_number(call["value"], math.nan):
            return Refusal("empty/zero", "nan", str(call["value"])[:80])
    right = _right_share(*inputs[1])
    if both["outcome"] == "raised":
        return common.raised(both, common.number(right))
    value = both["value"]
    if _same_number(value, right):
        return None
    texts, wanted, other = inputs[1]
    good, bad = _counts(texts, wanted, other)
    all_good, all_bad = _counts(texts, wanted, [])[0], _counts(texts, other, [])[0]
    mistakes = _share(all_good, all_bad), _share(all_good, bad), _share(good, all_bad)
    if any(_same_number(value, mistake) for mistake in mistakes):
        return Refusal("both/counted", f"{right:.3g}", f"{value:.3g}")
    return _scores([both], inputs[1:2], "both/counted")
