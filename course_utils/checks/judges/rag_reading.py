"""Judges of ``rag.chunk``, ``.retrieve``, ``.build_prompt`` and ``.metrics``.

Oracles: windows one by one, sums row by row, prompts from their parts, and the measures by their
definitions, query by query.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.listed import TOLERANCE, judged, numbers_out, show
from course_utils.checks.probes import rag as probes

SENTENCES = {
    "rag.chunk": {
        "size/characters": (
            "The windows are counted in characters.",
            "Sizes are in tokens: tokens[first : first + size], then the characters they span.",
        ),
        "size/words": (
            "The windows are counted in words.",
            "A word can be several tokens: count the entries of tokens.",
        ),
        "size/one-off": ("The windows hold one token too many or too few.", "first : first + size"),
        "overlap/ignored": (
            "No window repeats anything of the one before.",
            "The next window begins size - overlap tokens later.",
        ),
        "overlap/as-step": (
            "The windows begin overlap tokens apart.",
            "The next window begins size - overlap tokens later.",
        ),
        "overlap/added": (
            "The overlap comes on top of the size.",
            "A window has size tokens, those that it repeats included.",
        ),
        "overlap/characters": (
            "The overlap is counted in characters.",
            "It is in tokens: the next window begins size - overlap tokens later.",
        ),
        "overlap/zero": (
            "Without overlap it goes wrong: a list's [-0:] is the whole list.",
            "Count from the front: windows begin at 0, size - overlap, 2 * (size - overlap), …",
        ),
        "last/contained": (
            "The last window lies wholly inside the one before.",
            "Stop as soon as a window has reached the last token.",
        ),
        "last/dropped": (
            "The end of the text is in no window.",
            "The last window may be shorter than the others.",
        ),
        "last/moved-back": (
            "The last window is moved back to be of full size.",
            "Windows begin size - overlap tokens apart, the last one too; it may be shorter.",
        ),
        "content/not-the-text": (
            "The spans are right, the contents are not those characters of the text.",
            "Cut the content from the text: text[start:stop].",
        ),
        "span/first-found": (
            "A span is that of the first place with the same characters.",
            "Take start and stop from the tokens, not from text.find(content).",
        ),
        "span/in-tokens": (
            "The spans count tokens.",
            "A span is in characters: from tokens[first][0] to the end of the last token.",
        ),
        "span/length": (
            "The last number is the content's length.",
            "It is the stop: text[start:stop] is the content.",
        ),
        "span/inclusive": (
            "The stop is the place of the last character.",
            "It is the place after it, as in a slice: text[start:stop] is the content.",
        ),
        "span/to-the-next": (
            "Windows go on to the beginning of the next one, white space included.",
            "A window ends where its last token ends.",
        ),
        "span/last-token-cut": (
            "A window ends where its last token begins, or one character off.",
            "The end is the last token's second number.",
        ),
        "result/order": ("Content and span are in another order.", "(content, start, stop)"),
        "short/raises": ("It fails on a short or an empty text.", "Without tokens: an empty list."),
        "short/no-window": (
            "A text that is shorter than a window gives none, or an empty text gives one.",
            "One window for any text with a token, none for a text without.",
        ),
        "sizes/accepted": (
            "Sizes with which no window can move on are accepted.",
            "raise ValueError unless 0 <= overlap < size",
        ),
        "sizes/other-error": (
            "Sizes that do not fit raise something else than a ValueError.",
            "raise ValueError unless 0 <= overlap < size",
        ),
    },
    "rag.retrieve": {
        "meaning/ignored": ("Only the words count.", "Add (1 - weight) times the cosine."),
        "words/ignored": ("The words do not count.", "Add weight times the word score."),
        "words/not-scaled": (
            "The word scores are not divided by the largest.",
            "BM25 has no upper end, a cosine has: word_scores / word_scores.max().",
        ),
        "words/divided-by-sum": (
            "The word scores are divided by their sum.",
            "Divide by the largest, so that the best has 1.",
        ),
        "words/found-or-not": (
            "It counts whether a word is found, not how well.",
            "Divide the scores by the largest.",
        ),
        "words/min-max": (
            "Cosines are stretched or cut off, or the scores are shifted.",
            "Only the word scores are scaled, by their largest; the cosines stay.",
        ),
        "weight/swapped": (
            "The weight goes to the meaning.",
            "(1 - weight) * cosine + weight * words",
        ),
        "weight/not-shared": (
            "The cosine or the word score counts whole.",
            "(1 - weight) * cosine + weight * words",
        ),
        "weight/ignored": ("The weight has no effect.", "(1 - weight) * cosine + weight * words"),
        "fusion/ranks": (
            "Ranks are joined, not scores.",
            "Reciprocal ranks forget how sure each side is: add the weighted scores.",
        ),
        "fusion/product": ("The scores are multiplied.", "Add them."),
        "fusion/maximum": ("The larger of the two scores counts.", "Add them."),
        "fusion/two-stage": (
            "Only the nearest by meaning are ranked with their words.",
            "Add the scores of all rows, then take the best: words find what meaning misses.",
        ),
        "order/worst-first": ("The worst come first.", "Sort in descending order."),
        "order/not-sorted": (
            "The right rows are found, but not the best first.",
            "topk and argsort give them in order.",
        ),
        "score/other": (
            "The rows are right, the scores are not theirs.",
            "Return the weighted sums of these rows: scores[rows].",
        ),
        "length/axis": (
            "The vectors are not divided each by its own length.",
            "F.normalize(vectors, dim=1): along the width, row by row.",
        ),
        "k/ignored": ("More than k rows are returned.", "The first k of the order."),
        "result/order": ("Scores and rows are swapped.", "Return scores, rows."),
        "result/not-a-pair": ("The result is not a pair.", "Return scores and rows."),
        "wordless/nan": (
            "Where no word is found the scores are NaN: 0 / 0.",
            "Divide by the largest only if it is above 0.",
        ),
        "wordless/scores": (
            "Where no word is found the scores are not (1 - weight) times the cosine.",
            "A word score of 0 adds nothing; the cosine keeps its weight.",
        ),
        "wordless/order": (
            "Where no word is found the order is not that of the cosines.",
            "All word scores are 0 then: the cosines decide.",
        ),
        "length/counts": (
            "Longer vectors change the result: these are dot products.",
            "A cosine divides by both lengths.",
        ),
        "k/more-than-rows": (
            "It fails, or fills up, where there are fewer rows than k.",
            "Give all rows then: min(k, n), or a slice.",
        ),
        "ties/other-first": (
            "Of two equal rows the later comes first, or one is missing.",
            "argsort(descending=True, stable=True) keeps their order.",
        ),
    },
    "rag.build_prompt": {
        "format/empty-context": (
            "Without a passage there is still a line Context.",
            "With nothing to read the prompt is the question alone.",
        ),
        "format/nothing": (
            "Without passages there is no prompt.",
            "The question alone is a prompt too.",
        ),
        "format/end": (
            "The prompt does not end in `Answer:`.",
            "No space and no line break after the colon: the model begins with a space.",
        ),
        "format/lines": (
            "Passages and question do not stand on lines of their own.",
            "Each passage ends in a line break, and the question too.",
        ),
        "format/question-first": ("The question stands before the context.", "Context first."),
        "numbers/from-zero": ("Passages are numbered from 0.", "[1], [2], …"),
        "numbers/of-the-list": (
            "A passage has its number in the list, so that numbers are missing.",
            "Number the lines of the prompt: 1, 2, 3, whatever was left out.",
        ),
        "numbers/form": (
            "The numbers are written otherwise.",
            "[1] and a space, then the passage.",
        ),
        "numbers/missing": ("The passages have no numbers.", "[1] before the first."),
        "order/reversed": ("The passages are in reverse.", "The best comes first."),
        "order/shortest-first": (
            "Short passages are taken first.",
            "They come in the order of the list, the best first.",
        ),
        "order/most": (
            "As many passages as possible are taken.",
            "They come in the order of the list: one that fits is in, whatever comes after it.",
        ),
        "used/from-one": ("Used passages are counted from 1.", "Places in the list, from 0."),
        "used/lines": (
            "The second part counts the lines of the prompt.",
            "Give the places in the list, so that one left out is missing.",
        ),
        "used/first-found": (
            "A passage that is in the list twice has the same place twice.",
            "Count the places with enumerate: passages.index finds the first.",
        ),
        "passages/once": (
            "A passage that is in the list twice is taken once.",
            "Only the budget leaves a passage out.",
        ),
        "used/texts": ("The second part holds texts.", "Give the places in the list."),
        "used/count": ("The second part is a number.", "Give a list of places."),
        "result/not-a-pair": ("The result is not a pair.", "Return the prompt and a list."),
        "budget/stops": (
            "The first passage that does not fit ends it.",
            "Leave it out and try the next, which may be shorter.",
        ),
        "budget/cuts": (
            "A passage is cut so that it fits.",
            "A passage is in the prompt whole, or not at all.",
        ),
        "budget/ignored": ("The prompt is longer than the budget.", "Count before you add."),
        "budget/over": ("The prompt is a token too long.", "At most budget tokens: <= budget."),
        "budget/strict": (
            "A prompt of exactly budget tokens is refused.",
            "At most budget: <=, not <.",
        ),
        "count/passages-only": (
            "Only the passages are counted.",
            "Question, numbers and line breaks take tokens as well: count the whole prompt.",
        ),
        "count/each-alone": (
            "A passage is counted without those that are in already.",
            "Count the prompt with all of them.",
        ),
        "count/in-parts": (
            "Parts are counted apart and added.",
            "A text is not as many tokens as its parts: count the whole prompt.",
        ),
        "count/characters": ("Characters are counted.", "Use count: it gives tokens."),
        "count/words": ("Words are counted.", "Use count: it gives tokens."),
        "count/before-cleaning": (
            "A passage is counted with its line breaks.",
            "Count the prompt as it will be: first make the passage one line.",
        ),
        "lines/kept": (
            "A passage with line breaks stands on several lines.",
            'One line each: " ".join(passage.split())',
        ),
        "lines/spaces": (
            "White space becomes several spaces, or some of it stays.",
            'Single spaces: " ".join(passage.split())',
        ),
        "lines/removed": (
            "Words before and after a line break run together.",
            "A line break becomes a space.",
        ),
        "question/accepted": (
            "A question that is too long by itself gives a prompt.",
            "raise ValueError: a prompt that is cut asks something else.",
        ),
        "question/strict": (
            "A question that takes the whole budget is refused.",
            "It fits: raise only if count(prompt) > budget.",
        ),
        "question/other-error": (
            "A question that is too long raises something else than a ValueError.",
            "raise ValueError(…)",
        ),
    },
    "rag.metrics": {
        "recall/denominator-k": ("The hits are divided by k: precision.", "By the relevant items."),
        "recall/smaller": (
            "The hits are divided by the smaller of k and the relevant items.",
            "Divide by the number of relevant items, also where it is above k.",
        ),
        "recall/any": ("One hit makes a recall of 1.", "The share of the relevant items found."),
        "recall/weighted": ("Gains are counted.", "Recall counts items, whatever their gain."),
        "mrr/not-cut": ("Ranks beyond k count.", "A first hit after rank k counts 0."),
        "mrr/all-hits": ("All hits are added up.", "Only the first relevant item counts."),
        "mrr/not-first": (
            "Another relevant item than the first one counts.",
            "The smallest rank of a relevant item, whatever its gain.",
        ),
        "mrr/from-zero": (
            "Ranks do not begin at 1.",
            "The first rank is 1: enumerate(…, start=1).",
        ),
        "mrr/of-the-mean": (
            "1 over the mean rank.",
            "The mean of 1 / rank: each query by itself first.",
        ),
        "mrr/mean-hits": ("The hits' reciprocal ranks are averaged.", "Only the first one."),
        "ndcg/not-normalized": ("This is DCG.", "Divide by the DCG of the best order."),
        "ndcg/ideal-of-found": (
            "The best order is that of what was found.",
            "The best order is that of all relevant items, also of those not found.",
        ),
        "ndcg/ideal-unsorted": (
            "The best order does not begin with the largest gains.",
            "sorted(gains.values(), reverse=True)[:k]",
        ),
        "ndcg/ideal-not-cut": (
            "The best order goes on after rank k.",
            "Only k places: sorted(gains, reverse=True)[:k].",
        ),
        "ndcg/binary": ("All gains count the same.", "An item counts its gain."),
        "ndcg/exponential": ("The gains are 2^gain - 1.", "Take the gain as it is."),
        "ndcg/discount": (
            "The discount is another one.",
            "log2(rank + 1), with ranks from 1: the first counts whole.",
        ),
        "ndcg/not-cut": ("What is found after rank k counts.", "Only the first k."),
        "average/pooled": (
            "Sums over all queries are divided.",
            "Each query by itself, then the mean.",
        ),
        "average/hits-only": (
            "Queries that find nothing are left out.",
            "They count 0: divide by the number of queries.",
        ),
        "average/sum": ("The queries are summed.", "Take the mean."),
        "k/one-off": ("More than the first k count.", "found[:k]"),
        "result/percent": ("The result is in percent.", "Give a share, from 0 to 1."),
        "result/keys": ("The result lacks a key.", 'A dict with "recall", "mrr" and "ndcg".'),
        "few/raises": (
            "It fails where fewer than k are found, or nothing.",
            "found[:k] takes what there is; nothing relevant found gives 0.",
        ),
        "few/ideal-cut": (
            "Where fewer than k are found the best order is cut as short as that.",
            "It has up to k places, however many are found.",
        ),
        "few/other-value": (
            "Where fewer than k are found a value is off.",
            "What is not found adds nothing; it is no reason to leave the query out.",
        ),
    },
}


# chunk


def _windows(first: Callable[[int, int], int] = lambda size, overlap: size - overlap) -> Callable:
    """Windows from every first(size, overlap) tokens, until one has reached the end."""

    def cut(text, tokens, size, overlap, span=lambda text, inside: (inside[0][0], inside[-1][1])):
        made, begin = [], 0
        while tokens:
            start, stop = span(text, tokens[begin : begin + size])
            made.append([text[start:stop], start, stop])
            if begin + size >= len(tokens):
                break
            begin += first(size, overlap)
        return made

    return cut


_chunked = _windows()


def _every(text, tokens, size, overlap):
    """Windows from every beginning, also one that holds nothing new."""
    step = size - overlap
    return [_piece(text, tokens[i : i + size]) for i in range(0, len(tokens), step)]


def _piece(text, inside, start=None, stop=None):
    start = inside[0][0] if start is None else start
    stop = inside[-1][1] if stop is None else stop
    return [text[start:stop], start, stop]


def _moved_back(text, tokens, size, overlap):
    made = _chunked(text, tokens, size, overlap)
    return [*made[:-1], _piece(text, tokens[-size:])] if made else made


def _only_whole(text, tokens, size, overlap):
    starts = range(0, len(tokens) - size + 1, size - overlap)
    return [_piece(text, tokens[i : i + size]) for i in starts]


def _with_tail(text, tokens, size, overlap):
    """Each window is the last ``overlap`` tokens of the one before and new ones: [-0:] is all."""
    made, inside, i = [], [], 0
    while i < len(tokens):
        tail = inside[-overlap:]
        new = size - len(tail) if inside else size
        inside = tail + tokens[i : i + max(new, 1)]
        i += max(new, 1)
        made.append(_piece(text, inside))
    return made


def _added(text, tokens, size, overlap):
    starts = range(0, len(tokens), size)
    return [_piece(text, tokens[max(0, i - overlap) : i + size]) for i in starts]


def _added_after(text, tokens, size, overlap):
    return [_piece(text, tokens[i : i + size + overlap]) for i in range(0, len(tokens), size)]


def _added_characters(text, tokens, size, overlap):
    rows = _chunked(text, tokens, size, 0)
    starts = [max(0, start - overlap) for _, start, _ in rows]
    return [[text[a:stop], a, stop] for a, (_, _, stop) in zip(starts, rows, strict=True)]


def _characters(text, tokens, size, overlap):
    spans = [(i, i + 1) for i in range(len(text))]
    return _every(text, spans, size, overlap)


def _characters_until(text, tokens, size, overlap):
    return _chunked(text, [(i, i + 1) for i in range(len(text))], size, overlap)


def _characters_beyond(text, tokens, size, overlap):
    return [[text[i : i + size], i, i + size] for i in range(0, len(text), size - overlap)]


def _words(cut):
    def of(text, tokens, size, overlap):
        spans, start = [], 0
        for word in text.split():
            start = text.index(word, start)
            spans.append((start, start + len(word)))
            start += len(word)
        return cut(text, spans, size, overlap)

    return of


def _joined(joint):
    def of(text, tokens, size, overlap):
        made = _chunked(text, tokens, size, overlap)
        pieces = [[t for t in tokens if s <= t[0] and t[1] <= e] for _, s, e in made]
        words = [joint.join(text[a:b] for a, b in inside) for inside in pieces]
        return [[word, *row[1:]] for word, row in zip(words, made, strict=True)]

    return of


def _in_tokens(text, tokens, size, overlap):
    made = _chunked(text, tokens, size, overlap)
    step = size - overlap
    return [[row[0], i * step, min(i * step + size, len(tokens))] for i, row in enumerate(made)]


def _refound(text, tokens, size, overlap):
    contents = [row[0] for row in _chunked(text, tokens, size, overlap)]
    return [[c, text.find(c), text.find(c) + len(c)] for c in contents]


def _to_the_next(text, tokens, size, overlap):
    made, begins = [], range(0, len(tokens), size - overlap)
    for i in begins:
        stop = tokens[i + size][0] if i + size < len(tokens) else len(text)
        made.append(_piece(text, tokens[i : i + size], stop=stop))
        if i + size >= len(tokens):
            break
    return made


def _ending(move):
    def of(text, tokens, size, overlap):
        made = _chunked(text, tokens, size, overlap)
        stops = [move(stop, tokens) for _, _, stop in made]
        return [[text[row[1] : e], row[1], e] for row, e in zip(made, stops, strict=True)]

    return of


def _wide(by):
    return lambda text, tokens, size, overlap: [
        _piece(text, tokens[i : i + size + by])
        for i in range(0, max(1, len(tokens) - overlap), size - overlap)
    ]


WINDOWS = [
    ("overlap/ignored", lambda text, tokens, size, overlap: _chunked(text, tokens, size, 0)),
    (
        "overlap/as-step",
        lambda text, tokens, size, overlap: _windows(lambda s, o: o or s)(
            text, tokens, size, overlap
        ),
    ),
    (
        "overlap/as-step",
        lambda text, tokens, size, overlap: [
            _piece(text, tokens[i : i + size]) for i in range(0, len(tokens), overlap or size)
        ],
    ),
    ("overlap/added", _added),
    ("overlap/added", _added_after),
    ("overlap/characters", _added_characters),
    ("overlap/zero", _with_tail),
    ("last/contained", _every),
    ("last/moved-back", _moved_back),
    ("last/dropped", _only_whole),
    ("last/dropped", lambda *given: _chunked(*given)[:-1]),
    ("size/characters", _characters),
    ("size/characters", _characters_until),
    ("size/characters", _characters_beyond),
    ("size/words", _words(_chunked)),
    ("size/words", _words(_every)),
    ("size/one-off", _wide(1)),
    ("size/one-off", _wide(-1)),
    ("content/not-the-text", _joined(" ")),
    ("content/not-the-text", _joined("")),
    ("span/in-tokens", _in_tokens),
    ("span/first-found", _refound),
    ("span/to-the-next", _to_the_next),
    ("span/last-token-cut", _ending(lambda stop, tokens: stop - 1)),
    ("span/last-token-cut", _ending(lambda stop, tokens: stop + 1)),
    (
        "span/last-token-cut",
        _ending(lambda stop, tokens: next(a for a, b in tokens if b == stop)),
    ),
    ("span/length", lambda *given: [[a, b, c - b] for a, b, c in _chunked(*given)]),
    ("span/inclusive", lambda *given: [[a, b, c - 1] for a, b, c in _chunked(*given)]),
    ("result/order", lambda *given: [[b, c, a] for a, b, c in _chunked(*given)]),
    ("result/order", lambda *given: [[b, a, c] for a, b, c in _chunked(*given)]),
]


def _sizes(text, tokens, size, overlap) -> str:
    return f"{len(tokens)} tokens, size {size}, overlap {overlap}"


def _cut(inputs: Callable) -> Callable:
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        given = inputs(seed)
        refusal = judged(calls, given, _chunked, WINDOWS, _rows, _sizes)
        if refusal and refusal.slug == "value/wrong" and _right_spans(calls, given):
            return Refusal("content/not-the-text", refusal.expected, refusal.seen)
        return refusal

    return judge


def _right_spans(calls: list[dict], given: list[tuple]) -> bool:
    for call, arguments in zip(calls, given, strict=True):
        rows = _rows(call.get("value"))
        if not isinstance(rows, list) or not all(isinstance(r, list) for r in rows):
            return False
        if [row[1:] for row in rows] != [row[1:] for row in _chunked(*arguments)]:
            return False
    return True


def _rows(value: object) -> object:
    """Rows (content, start, stop), also where an answer gives (content, (start, stop))."""
    value = numbers_out(value)
    if not isinstance(value, list):
        return value
    flat = []
    for row in value:
        is_nested = isinstance(row, list) and len(row) == 2 and isinstance(row[1], list)
        flat.append([row[0], *row[1]] if is_nested else row)
    return flat


apart = _cut(probes.windows_apart)
over = _cut(probes.windows_over)


def short(calls: list[dict], seed: int) -> Refusal | None:
    """How many windows there are, alone: what is in them is judged by the other cases."""
    for call, (_, tokens, *_) in zip(calls, probes.windows_short(seed), strict=True):
        expected = f"{min(len(tokens), 1)} windows for {len(tokens)} tokens of a size of 5"
        if call["outcome"] == "raised":
            refusal = common.raised(call, expected)
            slug = "short/raises" if refusal.slug == "raises/error" else refusal.slug
            return Refusal(slug, expected, refusal.seen)
        value = call["value"]
        if not isinstance(value, list):
            return Refusal(
                "result/none" if value is None else "result/wrong-type", expected, show(value)
            )
        if len(value) != min(len(tokens), 1):
            slug = "last/contained" if len(value) > 1 else "short/no-window"
            return Refusal(slug, expected, f"{len(value)} windows")
    return None


def refused_sizes(calls: list[dict], seed: int) -> Refusal | None:
    for call, (_, _, size, overlap) in zip(calls, probes.windows_wrong(seed), strict=True):
        expected = f"a ValueError for size {size}, overlap {overlap}"
        if refusal := _not_a_value_error(call, expected, "sizes"):
            return refusal
    return None


def _not_a_value_error(call: dict, expected: str, slug: str) -> Refusal | None:
    if call["outcome"] == "returned":
        return Refusal(f"{slug}/accepted", expected, show(call["value"]))
    if call["error"] != "ValueError":
        return Refusal(f"{slug}/other-error", expected, common.error_text(call))
    return None


# retrieve


def _cosines(query: Tensor, vectors: Tensor) -> Tensor:
    lengths = vectors.square().sum(dim=1).sqrt() * query.square().sum().sqrt()
    return (vectors * query).sum(dim=1) / lengths


def _found(scores: Tensor, k: int) -> list:
    rows = sorted(range(len(scores)), key=lambda i: -scores[i].item())[:k]
    return [scores[rows], torch.tensor(rows)]


def _by(join: Callable[[Tensor, Tensor, float], Tensor], cosines: Callable = _cosines) -> Callable:
    """The best k by a score made of the cosines, the word scores and the weight."""
    return lambda query, vectors, words, k, weight: _found(
        join(cosines(query, vectors), words, weight), k
    )


def _scaled(words: Tensor) -> Tensor:
    return words / words.max() if words.any() else words


def _weighted(c: Tensor, w: Tensor, weight: float) -> Tensor:
    return (1 - weight) * c + weight * _scaled(w)


_retrieved = _by(_weighted)


def _ranks(constant: int, first: int, shared: bool) -> Callable:
    """Reciprocal ranks, from ``first``, in place of scores; what no word finds may share a rank."""

    def join(c: Tensor, w: Tensor, weight: float) -> Tensor:
        by_c, by_w = (
            1 / (constant + first + x.argsort(descending=True, stable=True).argsort())
            for x in (c, w)
        )
        return (1 - weight) * by_c + weight * by_w if shared else by_c + by_w * (w > 0)

    return join


def _stretched(x: Tensor) -> Tensor:
    return (x - x.min()) / (x.max() - x.min())


RETRIEVED = [
    ("words/ignored", _by(lambda c, w, _: c)),
    ("words/ignored", _by(lambda c, w, t: (1 - t) * c)),
    ("meaning/ignored", _by(lambda c, w, _: w)),
    ("meaning/ignored", _by(lambda c, w, _: _scaled(w))),
    ("meaning/ignored", _by(lambda c, w, t: t * _scaled(w))),
    ("words/not-scaled", _by(lambda c, w, t: (1 - t) * c + t * w)),
    ("words/not-scaled", _by(lambda c, w, t: (1 - t) * c + t * w / w.max().clamp(min=1))),
    ("words/divided-by-sum", _by(lambda c, w, t: (1 - t) * c + t * w / w.sum())),
    ("words/divided-by-sum", _by(lambda c, w, t: (1 - t) * c + t * w / w.norm())),
    ("words/divided-by-sum", _by(lambda c, w, t: (1 - t) * c + t * w.softmax(0))),
    ("words/min-max", _by(lambda c, w, t: (1 - t) * _stretched(c) + t * _stretched(w))),
    ("words/min-max", _by(lambda c, w, t: (1 - t) * c + t * _stretched(w))),
    ("words/min-max", _by(lambda c, w, t: (1 - t) * c.clamp(min=0) + t * _scaled(w))),
    ("words/min-max", _by(lambda c, w, t: (1 - t) * c / c.max() + t * _scaled(w))),
    ("words/min-max", _by(lambda c, w, t: (1 - t) * (1 + c) / 2 + t * _scaled(w))),
    ("weight/swapped", _by(lambda c, w, t: t * c + (1 - t) * _scaled(w))),
    ("weight/not-shared", _by(lambda c, w, t: c + t * _scaled(w))),
    ("weight/not-shared", _by(lambda c, w, t: (1 - t) * c + _scaled(w))),
    ("weight/ignored", _by(lambda c, w, t: c + _scaled(w))),
    ("weight/ignored", _by(lambda c, w, t: (c + _scaled(w)) / 2)),
    ("weight/ignored", _by(lambda c, w, t: 0.9 * c + 0.1 * _scaled(w))),
    ("words/not-scaled", _by(lambda c, w, t: c + t * w)),
    ("words/not-scaled", _by(lambda c, w, t: (1 - t) * c + t * w.log1p())),
    ("words/found-or-not", _by(lambda c, w, t: (1 - t) * c + t * (w > 0))),
    ("fusion/product", _by(lambda c, w, t: c * _scaled(w))),
    ("fusion/product", _by(lambda c, w, t: c * w)),
    ("fusion/maximum", _by(lambda c, w, t: torch.maximum((1 - t) * c, t * _scaled(w)))),
    ("fusion/maximum", _by(lambda c, w, t: torch.maximum(c, _scaled(w)))),
    *(
        ("fusion/ranks", _by(_ranks(constant, first, shared)))
        for constant in (60, 1)
        for first in (1, 0)
        for shared in (True, False)
    ),
    ("fusion/ranks", _by(lambda c, w, t: _ranks(60, 1, True)(c, w, 0.5) * 2)),
]


def _worst(query, vectors, words, k, weight):
    scores, rows = _retrieved(query, vectors, words, len(vectors), weight)
    return [scores.flip(0)[:k], rows.flip(0)[:k]]


def _unsorted(query, vectors, words, k, weight):
    scores, rows = _retrieved(query, vectors, words, k, weight)
    order = rows.argsort()
    return [scores[order], rows[order]]


def _all_rows(query, vectors, words, k, weight):
    return _retrieved(query, vectors, words, len(vectors), weight)


def _scored(scores: Callable[[Tensor, Tensor, Tensor, float], Tensor]) -> Callable:
    """The right rows with other scores: of rows, cosines, word scores and weight."""

    def of(query, vectors, words, k, weight):
        rows = _retrieved(query, vectors, words, k, weight)[1]
        return [scores(rows, _cosines(query, vectors), words, weight), rows]

    return of


def _upside_down(query, vectors, words, k, weight):
    scores, rows = _retrieved(query, vectors, words, k, weight)
    return [scores.flip(0), rows.flip(0)]


def _two_stage(times: int) -> Callable:
    """The best of the times · k rows that are nearest by meaning."""

    def of(query, vectors, words, k, weight):
        near = _found(_cosines(query, vectors), times * k)[1].sort().values
        scores, rows = _retrieved(query, vectors, words, len(vectors), weight)
        kept = torch.isin(rows, near)
        return [scores[kept][:k], rows[kept][:k]]

    return of


RETRIEVED += [
    *(("fusion/two-stage", _two_stage(times)) for times in (1, 2, 3)),
    ("score/other", _scored(lambda rows, c, w, t: c[rows])),
    ("score/other", _scored(lambda rows, c, w, t: _weighted(c, w, t)[: len(rows)])),
    ("length/axis", _by(_weighted, lambda q, v: F.normalize(v, dim=0) @ F.normalize(q, dim=0))),
    ("length/axis", _by(_weighted, lambda q, v: v / v.norm() @ q / q.norm())),
    ("k/ignored", _all_rows),
    ("order/worst-first", _worst),
    ("order/not-sorted", _unsorted),
    ("order/not-sorted", _upside_down),
    ("result/order", lambda *given: _retrieved(*given)[::-1]),
]


def _pair(value: object) -> object:
    """Scores in float64 and rows as whole numbers, also from lists."""
    if not isinstance(value, list) or len(value) != 2:
        return value
    parts = [torch.tensor(x) if isinstance(x, list) else x for x in value]
    if not all(isinstance(x, Tensor) for x in parts):
        return value
    scores, rows = parts
    if rows.is_floating_point() and bool((rows == rows.round()).all()):
        rows = rows.long()
    return [scores.double(), rows]


def _searched(query, vectors, words, k, weight) -> str:
    return f"{len(vectors)} rows, k {k}, weight {weight}"


def weighted(calls: list[dict], seed: int) -> Refusal | None:
    for call in calls:
        value = call.get("value")
        if call["outcome"] == "returned" and value is not None:
            if not (isinstance(value, list) and len(value) == 2):
                return Refusal("result/not-a-pair", "scores, rows", show(value))
    return judged(calls, probes.weighted(seed), _retrieved, RETRIEVED, _pair, _searched)


def _parts(call: dict, expected: str) -> Refusal | tuple[Tensor, Tensor]:
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    value = _pair(call["value"])
    if isinstance(value, list) and len(value) == 2 and all(isinstance(x, Tensor) for x in value):
        return value[0], value[1]
    slug = "result/none" if value is None else "result/not-a-pair"
    return Refusal(slug, expected, show(value))


def wordless(calls: list[dict], seed: int) -> Refusal | None:
    """Whether the cosines decide, and then the scores."""
    query, vectors, _, k, weight = probes.wordless(seed)[0]
    expected = "the order of the cosines where no word is found"
    parts = _parts(calls[0], expected)
    if isinstance(parts, Refusal):
        return parts
    scores, rows = parts
    if any(x.is_floating_point() and x.isnan().any() for x in (scores, rows)):
        return Refusal("wordless/nan", "scores without NaN", show([scores, rows]))
    right, wanted = _found((1 - weight) * _cosines(query, vectors), k)
    if not any(_same_rows(x, wanted) for x in (rows, scores)):
        return Refusal("wordless/order", f"{expected}: {show(wanted)}", show(rows))
    if not _same_rows(rows, wanted):  # scores and rows are swapped: another case says so
        return None
    if scores.shape != right.shape or not torch.allclose(
        scores.sort(descending=True).values.double(), right
    ):
        return Refusal("wordless/scores", show(right), show(scores))
    return None


def _same_rows(rows: Tensor, wanted: Tensor) -> bool:
    """Whether they are the same rows, in whatever order."""
    return sorted(rows.tolist()) == sorted(wanted.tolist())


def lengths(calls: list[dict], seed: int) -> Refusal | None:
    """Whether the result is the same for longer vectors, whatever it is."""
    expected = "the same rows for vectors of any length"
    found = []
    for call in calls:
        parts = _parts(call, expected)
        if isinstance(parts, Refusal):
            return parts
        found.append(parts)
    (one, rows), (other, other_rows) = found
    is_same = one.shape == other.shape and torch.allclose(one.double(), other.double())
    if not is_same or rows.tolist() != other_rows.tolist():
        return Refusal("length/counts", f"{expected}: {show(rows)}", show(other_rows))
    return None


def small(calls: list[dict], seed: int) -> Refusal | None:
    """How many rows there are, and the order of equal ones."""
    (_, vectors, *_), _ = probes.small_and_equal(seed)
    n = len(vectors)
    expected = f"all {n} rows for a k of 9"
    if calls[0]["outcome"] == "raised":
        refusal = common.raised(calls[0], expected)
        slug = "k/more-than-rows" if refusal.slug == "raises/error" else refusal.slug
        return Refusal(slug, expected, refusal.seen)
    parts = _parts(calls[0], expected)
    if isinstance(parts, Refusal):
        return parts
    if parts[1].numel() != n:
        return Refusal("k/more-than-rows", expected, f"{parts[1].numel()} rows")
    parts = _parts(calls[1], "rows 9 and 23, which are equal, in this order")
    if isinstance(parts, Refusal):
        return parts
    for rows in parts:
        if {9, 23} <= set(rows.tolist()):
            if rows.tolist().index(9) < rows.tolist().index(23):
                return None
            return Refusal("ties/other-first", "row 9, then its equal, row 23", show(rows))
    return Refusal("ties/other-first", "rows 9 and 23 among the first", show(parts[1]))


# build_prompt


def _built(question, passages, count, budget, lines=lambda p: " ".join(p.split())):
    kept, used = [], []
    for i, passage in enumerate(passages):
        if count(probes.prompt_text(question, [*kept, lines(passage)])) <= budget:
            kept.append(lines(passage))
            used.append(i)
    return [probes.prompt_text(question, kept), used]


def _changed(change: Callable[[str], str]) -> Callable:
    """The right prompt, its text changed."""

    def of(question, passages, count, budget):
        text, used = _built(question, passages, count, budget)
        return [change(text), used]

    return of


def _told(change: Callable[[list[int], list[str]], object]) -> Callable:
    """The right prompt, the used passages told otherwise."""

    def of(question, passages, count, budget):
        text, used = _built(question, passages, count, budget)
        return [text, change(used, passages)]

    return of


def _selected(fits: Callable, skip: bool = True) -> Callable:
    """Another choice of passages: ``fits(question, kept, line, count, budget)``."""

    def of(question, passages, count, budget):
        kept, used = [], []
        for i, passage in enumerate(passages):
            line = " ".join(passage.split())
            if fits(question, kept, line, count, budget):
                kept.append(line)
                used.append(i)
            elif not skip:
                break
        return [probes.prompt_text(question, kept), used]

    return of


def _whole(question, kept, line, count, budget):
    return count(probes.prompt_text(question, [*kept, line])) <= budget


def _renumbered(number: Callable[[int, int], str]) -> Callable:
    """With other numbers: of a line, from its place in the prompt and in the list."""

    def of(question, passages, count, budget):
        _, used = _built(question, passages, count, budget)
        lines = [" ".join(passages[i].split()) for i in used]
        body = "".join(
            f"{number(n, i)}{line}\n" for n, (i, line) in enumerate(zip(used, lines, strict=True))
        )
        context = f"Context:\n{body}" if lines else ""
        return [f"{context}Question: {question}\nAnswer:", used]

    return of


def _reordered(order: Callable[[list[str]], list[int]]) -> Callable:
    def of(question, passages, count, budget):
        places = order(passages)
        text, used = _built(question, [passages[i] for i in places], count, budget)
        return [text, [places[i] for i in used]]

    return of


def _flipped(question, passages, count, budget):
    _, used = _built(question, passages, count, budget)
    lines = [" ".join(passages[i].split()) for i in used][::-1]
    return [probes.prompt_text(question, lines), used]


def _parted(overhead: Callable[[str], str]) -> Callable:
    """Counts the question's part and each line apart."""

    def fits(question, kept, line, count, budget):
        numbered = [f"[{i}] {x}\n" for i, x in enumerate([*kept, line], start=1)]
        return count(overhead(question)) + sum(map(count, numbered)) <= budget

    return fits


PROMPTS = [
    ("format/nothing", lambda q, p, c, b: _built(q, p, c, b) if p else ["", []]),
    ("format/empty-context", lambda q, p, c, b: _emptied(q, p, c, b)),
    ("format/end", _changed(lambda text: text + " ")),
    ("format/end", _changed(lambda text: text + "\n")),
    ("format/end", _changed(lambda text: text.removesuffix("\nAnswer:"))),
    ("format/end", _changed(lambda text: text.removesuffix(":"))),
    ("format/lines", _changed(lambda text: text.replace("Context:\n", "Context: "))),
    ("format/lines", _changed(lambda text: text.replace("\nQuestion", "\n\nQuestion"))),
    ("format/lines", _changed(lambda text: text.replace("\nQuestion", " Question"))),
    ("format/lines", _changed(lambda text: text.replace("\nQuestion", "Question"))),
    ("format/lines", _changed(lambda text: text.replace("\n", " "))),
    ("format/lines", _changed(lambda text: text.replace("Context:\n", ""))),
    ("format/question-first", lambda q, p, c, b: _question_first(q, p, c, b)),
    ("numbers/from-zero", _renumbered(lambda n, i: f"[{n}] ")),
    ("numbers/of-the-list", _renumbered(lambda n, i: f"[{i + 1}] ")),
    ("numbers/of-the-list", _renumbered(lambda n, i: f"[{i}] ")),
    *(
        ("numbers/form", _renumbered(lambda n, i, form=form: form.format(n + 1)))
        for form in ("({}) ", "{}. ", "{}: ", "[{}]: ", "[{}]", "{} ", "{}) ")
    ),
    ("numbers/missing", _renumbered(lambda n, i: "")),
    ("numbers/missing", _renumbered(lambda n, i: "- ")),
    ("order/reversed", _flipped),
    ("order/reversed", _reordered(lambda p: list(range(len(p)))[::-1])),
    (
        "order/shortest-first",
        _reordered(lambda p: sorted(range(len(p)), key=lambda i: len(p[i]))),
    ),
    ("order/most", lambda q, p, c, b: _most(q, p, c, b)),
    ("used/from-one", _told(lambda used, p: [i + 1 for i in used])),
    ("used/lines", _told(lambda used, p: list(range(len(used))))),
    ("used/lines", _told(lambda used, p: list(range(1, len(used) + 1)))),
    ("used/first-found", _told(lambda used, p: [p.index(p[i]) for i in used])),
    ("passages/once", lambda q, p, c, b: _once(q, p, c, b)),
    ("used/texts", _told(lambda used, p: [p[i] for i in used])),
    ("used/texts", _told(lambda used, p: [" ".join(p[i].split()) for i in used])),
    ("used/count", _told(lambda used, p: len(used))),
    ("budget/stops", _selected(_whole, skip=False)),
    ("budget/ignored", _selected(lambda *_: True)),
    (
        "budget/over",
        _selected(lambda q, k, x, count, b: count(probes.prompt_text(q, [*k, x])) <= b + 1),
    ),
    (
        "budget/strict",
        _selected(lambda q, k, x, count, b: count(probes.prompt_text(q, [*k, x])) < b),
    ),
    (
        "budget/strict",
        _selected(lambda q, k, x, count, b: count(probes.prompt_text(q, [*k, x])) < b, False),
    ),
    (
        "count/each-alone",
        _selected(lambda q, k, x, count, b: count(probes.prompt_text(q, [x])) <= b),
    ),
    ("count/each-alone", _selected(lambda q, k, x, count, b: count(x) <= b)),
    (
        "count/passages-only",
        _selected(lambda q, k, x, count, b: sum(map(count, [*k, x])) <= b),
    ),
    (
        "count/passages-only",
        _selected(lambda q, k, x, count, b: count("".join([*k, x])) <= b),
    ),
    (
        "count/passages-only",
        _selected(lambda q, k, x, count, b: sum(map(count, [*k, x])) <= b, False),
    ),
    ("count/in-parts", _selected(_parted(lambda q: probes.prompt_text(q, [])))),
    ("count/in-parts", _selected(_parted(lambda q: f"Context:\nQuestion: {q}\nAnswer:"))),
    ("count/in-parts", _selected(_parted(lambda q: q))),
    (
        "count/in-parts",
        _selected(lambda q, k, x, count, b: sum(map(count, [q, *k, x])) <= b),
    ),
    (
        "count/in-parts",
        _selected(
            lambda q, k, x, count, b: (
                count(probes.prompt_text(q, [])) + sum(map(count, [*k, x])) <= b
            )
        ),
    ),
    (
        "count/characters",
        _selected(lambda q, k, x, count, b: len(probes.prompt_text(q, [*k, x])) <= b),
    ),
    (
        "count/words",
        _selected(lambda q, k, x, count, b: len(probes.prompt_text(q, [*k, x]).split()) <= b),
    ),
    ("lines/kept", lambda q, p, c, b: _built(q, p, c, b, lambda x: x)),
    ("lines/kept", lambda q, p, c, b: _built(q, p, c, b, str.strip)),
    ("lines/spaces", lambda q, p, c, b: _built(q, p, c, b, lambda x: x.replace("\n", " "))),
    (
        "lines/spaces",
        lambda q, p, c, b: _built(q, p, c, b, lambda x: x.strip().replace("\n", " ")),
    ),
    (
        "lines/spaces",
        lambda q, p, c, b: _built(
            q, p, c, b, lambda x: " ".join(filter(None, x.replace("\n", " ").split(" ")))
        ),
    ),
    ("lines/spaces", lambda q, p, c, b: _built(q, p, c, b, lambda x: " ".join(x.splitlines()))),
    (
        "lines/spaces",
        lambda q, p, c, b: _built(q, p, c, b, lambda x: " ".join(x.splitlines()).strip()),
    ),
    ("lines/removed", lambda q, p, c, b: _built(q, p, c, b, lambda x: x.replace("\n", ""))),
    ("lines/removed", lambda q, p, c, b: _built(q, p, c, b, lambda x: "".join(x.splitlines()))),
    ("lines/removed", lambda q, p, c, b: _built(q, p, c, b, lambda x: "".join(x.split()))),
]


def _most(question, passages, count, budget):
    """The first of the largest sets of passages that fit."""
    lines = [" ".join(passage.split()) for passage in passages]
    for size in range(len(lines), -1, -1):
        for used in itertools.combinations(range(len(lines)), size):
            text = probes.prompt_text(question, [lines[i] for i in used])
            if count(text) <= budget:
                return [text, list(used)]
    return None


def _once(question, passages, count, budget):
    places = sorted({passage: i for i, passage in reversed([*enumerate(passages)])}.values())
    text, used = _built(question, [passages[i] for i in places], count, budget)
    return [text, [places[i] for i in used]]


def _counted_raw(question, passages, count, budget):
    """Counts a passage as it stands in the list."""
    kept, used = [], []
    for i, passage in enumerate(passages):
        if count(probes.prompt_text(question, [*kept, passage])) <= budget:
            kept.append(" ".join(passage.split()))
            used.append(i)
    return [probes.prompt_text(question, kept), used]


def _emptied(question, passages, count, budget):
    text, used = _built(question, passages, count, budget)
    return [text if used else f"Context:\n{text}", used]


def _question_first(question, passages, count, budget):
    text, used = _built(question, passages, count, budget)
    context = text.split("Question: ")[0]
    return [f"Question: {question}\n{context}Answer:", used]


def _prompted(question, passages, count, budget) -> str:
    return f"{len(passages)} passages and a budget of {budget}"


def _prompt(inputs: Callable) -> Callable:
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        for call in calls:
            value = call.get("value")
            if call["outcome"] == "returned" and value is not None:
                if not (isinstance(value, list) and len(value) == 2):
                    return Refusal("result/not-a-pair", "the prompt and a list", show(value))
        given = inputs(seed)
        if inputs is probes.tight and (cut := _cut_passage(calls, given)):
            return cut
        return judged(calls, given, _built, PROMPTS, numbers_out, _prompted)

    return judge


def _cut_passage(calls: list[dict], given: list[tuple]) -> Refusal | None:
    """A refusal where a line of the prompt is the beginning of a passage, or its end is missing."""
    for call, (_, passages, *_) in zip(calls, given, strict=True):
        value = call.get("value")
        if call["outcome"] == "returned" and isinstance(value, list) and isinstance(value[0], str):
            for line in value[0].splitlines():
                said = line.partition("] ")[2].strip()
                whole = any(said.endswith(p) or p in said for p in passages)
                if said and not whole and any(p.startswith(said[:12]) for p in passages):
                    return Refusal("budget/cuts", "whole passages", repr(line))
    return None


roomy = _prompt(probes.roomy)
tight = _prompt(probes.tight)


def broken_lines(calls: list[dict], seed: int) -> Refusal | None:
    """The text of the prompt alone."""
    given = probes.broken_lines(seed)
    parts = [
        call | {"value": call["value"][0]}
        if isinstance(call.get("value"), list) and call["value"]
        else call
        for call in calls
    ]
    named = [*PROMPTS, ("count/before-cleaning", _counted_raw)]
    candidates = [
        (slug, lambda *g, f=f: f(*g)[0])
        for slug, f in named
        if slug.startswith(("lines/", "count/before"))
    ]
    if all(call["outcome"] == "returned" for call in parts):
        wanted = [
            (" ".join(passage.split()), str(part["value"]))
            for part, (_, passages, *_) in zip(parts, given, strict=True)
            for passage in passages
        ]
        if all(line in seen for line, seen in wanted):
            return None
    return judged(parts, given, lambda *g: _built(*g)[0], candidates)


def too_long(calls: list[dict], seed: int) -> Refusal | None:
    """A ValueError or none: the prompt is judged by the other cases."""
    *longer, exact = calls
    expected = "a ValueError for a question that is longer than the budget"
    for call in longer:
        if refusal := _not_a_value_error(call, expected, "question"):
            return refusal
    if exact["outcome"] == "raised":
        expected = "a prompt for a question that takes exactly the budget"
        refusal = common.raised(exact, expected)
        slug = "question/strict" if exact["error"] == "ValueError" else refusal.slug
        return Refusal(slug, expected, refusal.seen)
    return None


# metrics


def _recall(ranked, gains, k):
    return len(set(ranked[:k]) & set(gains)) / len(gains)


def _mrr(ranked, gains, k):
    return next((1 / r for r, item in enumerate(ranked[:k], 1) if item in gains), 0.0)


def _dcg(gains: list[float], discount: Callable[[int], float]) -> float:
    return sum(g / discount(rank) for rank, g in enumerate(gains, start=1))


def _log(rank: int) -> float:
    return math.log2(rank + 1)


def _gained(
    found_k=lambda k: k, ideal_k=lambda k: k, gain=lambda g: g, discount=_log, of_found=False
) -> Callable:
    def of(ranked, gains, k):
        got = [gain(gains[item]) if item in gains else 0 for item in ranked[: found_k(k)]]
        all_gains = got if of_found else [gain(g) for g in gains.values()]
        best = sorted(all_gains, reverse=True)[: ideal_k(k)]
        total = _dcg(best, discount)
        return _dcg(got, discount) / total if total else 0.0

    return of


_ndcg = _gained()


def _mean(one: Callable) -> Callable:
    def of(found, gains, k):
        rows = [one(r, g, k) for r, g in zip(found, gains, strict=True)]
        return torch.tensor(sum(rows) / len(rows), dtype=torch.float64)

    return of


def _total(one: Callable) -> Callable:
    return lambda found, gains, k: _mean(one)(found, gains, k) * len(found)


def _of_hits(one: Callable) -> Callable:
    """The mean over the queries that find something."""

    def of(found, gains, k):
        values = [one(r, g, k) for r, g in zip(found, gains, strict=True)]
        values = [value for value in values if value]
        return torch.tensor(sum(values) / max(1, len(values)), dtype=torch.float64)

    return of


def _hits(ranked, gains, k):
    return [rank for rank, item in enumerate(ranked[:k], start=1) if item in gains]


def _over_mean_rank(found, gains, k):
    ranks = [min(_hits(r, g, k), default=0) for r, g in zip(found, gains, strict=True)]
    ranks = [r for r in ranks if r]
    return torch.tensor(len(ranks) / sum(ranks), dtype=torch.float64)


def _pooled(found, gains, k):
    hits = sum(len(_hits(r, g, k)) for r, g in zip(found, gains, strict=True))
    return torch.tensor(hits / sum(map(len, gains)), dtype=torch.float64)


def _pooled_ndcg(found, gains, k):
    def sums(rows):
        return sum(_dcg(row, _log) for row in rows)

    got = [[g.get(x, 0) for x in r[:k]] for r, g in zip(found, gains, strict=True)]
    best = [sorted(g.values(), reverse=True)[:k] for g in gains]
    return torch.tensor(sums(got) / sums(best), dtype=torch.float64)


MEASURES = {
    "recall": (
        _mean(_recall),
        [
            ("recall/denominator-k", _mean(lambda r, g, k: len(_hits(r, g, k)) / k)),
            ("recall/smaller", _mean(lambda r, g, k: len(_hits(r, g, k)) / min(k, len(g)))),
            ("recall/any", _mean(lambda r, g, k: float(bool(_hits(r, g, k))))),
            (
                "recall/weighted",
                _mean(lambda r, g, k: sum(g.get(x, 0) for x in r[:k]) / sum(g.values())),
            ),
            ("average/pooled", _pooled),
            ("average/sum", _total(_recall)),
            ("k/one-off", _mean(lambda r, g, k: _recall(r, g, k + 1))),
            ("k/one-off", _mean(lambda r, g, k: _recall(r, g, len(r)))),
            ("result/percent", lambda *given: 100 * _mean(_recall)(*given)),
        ],
    ),
    "mrr": (
        _mean(_mrr),
        [
            ("mrr/not-cut", _mean(lambda r, g, k: _mrr(r, g, len(r)))),
            ("mrr/all-hits", _mean(lambda r, g, k: sum(1 / x for x in _hits(r, g, k)))),
            (
                "mrr/all-hits",
                _mean(lambda r, g, k: sum(1 / x for x in _hits(r, g, k)) / len(g)),
            ),
            (
                "mrr/mean-hits",
                _mean(
                    lambda r, g, k: sum(1 / x for x in _hits(r, g, k)) / max(1, len(_hits(r, g, k)))
                ),
            ),
            (
                "mrr/from-zero",
                _mean(lambda r, g, k: next((1 / max(x - 1, 1) for x in _hits(r, g, k)), 0.0)),
            ),
            (
                "mrr/from-zero",
                _mean(lambda r, g, k: next((1 / (x + 1) for x in _hits(r, g, k)), 0.0)),
            ),
            ("mrr/not-first", _mean(lambda r, g, k: 1 / max(_hits(r, g, k), default=math.inf))),
            ("mrr/not-first", _mean(lambda r, g, k: _of_most_gain(r, g, k))),
            ("mrr/of-the-mean", _over_mean_rank),
            ("average/hits-only", _of_hits(_mrr)),
            ("average/sum", _total(_mrr)),
        ],
    ),
    "ndcg": (
        _mean(_ndcg),
        [
            (
                "ndcg/not-normalized",
                _mean(lambda r, g, k: _dcg([g.get(x, 0) for x in r[:k]], _log)),
            ),
            ("ndcg/ideal-of-found", _mean(_gained(of_found=True))),
            ("ndcg/ideal-of-found", _mean(lambda r, g, k: _ideal_of_ranking(r, g, k))),
            (
                "ndcg/ideal-of-found",
                _mean(lambda r, g, k: _gained(ideal_k=lambda _: len(_hits(r, g, k)))(r, g, k)),
            ),
            ("ndcg/ideal-unsorted", _mean(lambda r, g, k: _unsorted_ideal(r, g, k, list))),
            ("ndcg/ideal-unsorted", _mean(lambda r, g, k: _unsorted_ideal(r, g, k, sorted))),
            ("ndcg/ideal-not-cut", _mean(_gained(ideal_k=lambda k: None))),
            ("ndcg/binary", _mean(_gained(gain=lambda g: 1))),
            ("ndcg/exponential", _mean(_gained(gain=lambda g: 2**g - 1))),
            ("ndcg/discount", _mean(_gained(discount=lambda rank: rank))),
            ("ndcg/discount", _mean(_gained(discount=lambda rank: max(1, math.log2(rank))))),
            ("ndcg/discount", _mean(_gained(discount=lambda rank: math.log2(rank + 2)))),
            ("ndcg/discount", _mean(_gained(discount=lambda rank: 1))),
            ("ndcg/discount", _mean(_gained(discount=lambda rank: 1 + math.log2(rank)))),
            ("ndcg/not-cut", _mean(_gained(found_k=lambda k: None))),
            ("ndcg/not-cut", _mean(_gained(lambda k: None, lambda k: None))),
            ("average/hits-only", _of_hits(_ndcg)),
            ("average/pooled", _pooled_ndcg),
            ("average/sum", _total(_ndcg)),
        ],
    ),
}


def _ideal_of_ranking(ranked, gains, k):
    found = [gains[item] for item in ranked if item in gains]
    total = _dcg(sorted(found, reverse=True)[:k], _log)
    return _dcg([gains.get(x, 0) for x in ranked[:k]], _log) / total if total else 0.0


def _unsorted_ideal(ranked, gains, k, order):
    got = [gains.get(item, 0) for item in ranked[:k]]
    return _dcg(got, _log) / _dcg(order(gains.values())[:k], _log)


def _of_most_gain(ranked, gains, k):
    rank = max(_hits(ranked, gains, k), key=lambda r: gains[ranked[r - 1]], default=math.inf)
    return 1 / rank


def _number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return torch.tensor(float(value), dtype=torch.float64)
    if isinstance(value, Tensor) and value.numel() == 1:
        return value.double().reshape(())
    return value


def _measure(name: str) -> Callable:
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        given = probes.ranked(seed)
        if refusal := _keys(calls, name):
            return refusal
        parts = [c | {"value": c["value"][name]} if "value" in c else c for c in calls]
        right, candidates = MEASURES[name]
        return judged(parts, given, right, candidates, _number, _asked)

    return judge


def _asked(found, gains, k) -> str:
    return f"{len(found)} queries at k {k}"


def _keys(calls: list[dict], *names: str) -> Refusal | None:
    expected = 'a dict with "recall", "mrr" and "ndcg"'
    for call in calls:
        value = call.get("value")
        if call["outcome"] != "returned":
            continue
        if value is None:
            return Refusal("result/none", expected, "None")
        if not isinstance(value, dict) or not set(names) <= value.keys():
            seen = ", ".join(value) if isinstance(value, dict) else show(value)
            return Refusal("result/keys", expected, seen)
    return None


recall = _measure("recall")
mrr = _measure("mrr")
ndcg = _measure("ndcg")


def few(calls: list[dict], seed: int) -> Refusal | None:
    """What few found items change, and that nothing fails: the other cases judge the formulas."""
    expected = "values where fewer than k are found, or nothing"
    for call in calls:
        if call["outcome"] == "raised":
            refusal = common.raised(call, expected)
            slug = "few/raises" if refusal.slug == "raises/error" else refusal.slug
            return Refusal(slug, expected, refusal.seen)
    if refusal := _keys(calls, "recall", "mrr", "ndcg"):
        return refusal
    values = [{name: _number(call["value"][name]) for name in MEASURES} for call in calls]
    for name, value in (pair for each in values for pair in each.items()):
        if not isinstance(value, Tensor) or not value.isfinite().all():
            return Refusal("few/other-value", f"a number for {name}", show(value))
    if values[0]["mrr"] > 0.5 + TOLERANCE:  # ranks 2 and 1, and nothing: 0.5, 1 and 0
        told = "0.5 where one of three queries finds nothing, and one its item at rank 2"
        return Refusal("few/other-value", f"mrr {told}", f"mrr {show(values[0]['mrr'])}")
    fewer = probes.few_found(seed)[1]
    as_short = _mean(lambda r, g, k: _gained(ideal_k=lambda _: len(r))(r, g, k))(*fewer)
    if abs(values[1]["ndcg"] - as_short) < TOLERANCE:
        told = "ndcg where 2 of 5 places are filled, and 3 items are relevant"
        right = show(_mean(_ndcg)(*fewer))
        return Refusal("few/ideal-cut", f"{right} as {told}", show(values[1]["ndcg"]))
    return None
