"""Probes and inputs for the exercises of ``09_rag``."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.checks.probes.guard import attempt
from course_utils.checks.probes.tracing import lenient
from course_utils.course_lm import words
from course_utils.retrieval.store import Chunk
from course_utils.retrieval.verify import Source


def _random(seed: int, stream: int) -> random.Random:
    return random.Random(f"rag {seed} {stream}")


def _each(answer: Callable, inputs: list[tuple]) -> list[dict]:
    return [attempt(_open(lenient(answer)), *arguments) for arguments in inputs]


def _open(answer: Callable) -> Callable:
    """The answer, with NumPy's numbers in a dict as Python's, and a ValueError of a class of its
    own as a ValueError."""

    @functools.wraps(answer, updated=())
    def call(*arguments):
        try:
            value = answer(*arguments)
        except ValueError as error:
            raise ValueError(str(error)).with_traceback(error.__traceback__) from None
        if type(value) is not dict:
            return value
        return {k: v.item() if isinstance(v, np.generic) else v for k, v in value.items()}

    return call


def _names(rng: random.Random, count: int) -> list[str]:
    """Invented names; some hold "and", none begins with another."""
    made = ["Sandro"]
    while len(made) < count:
        name = rng.choice(words.FIRST) + rng.choice(words.LAST)
        if not any(name.startswith(other) or other.startswith(name) for other in made):
            made.append(name)
    rng.shuffle(made)
    return made


def _clause(rng: random.Random) -> str:
    values, templates, _ = words.ATTRIBUTES[rng.choice(list(words.ATTRIBUTES))]
    return f"{rng.choice(templates).split()[1]} {rng.choice(values)}"


def _clauses(rng: random.Random, count: int) -> list[str]:
    made: dict[str, None] = {}
    while len(made) < count:
        made[_clause(rng)] = None
    return list(made)


# chunk(text, tokens, size, overlap)


def _text(rng: random.Random, n_tokens: int) -> tuple[str, list[tuple[int, int]]]:
    """A text with spaces and line breaks, and its tokens: pieces of words and marks."""
    text, tokens = rng.choice(["", "  "]), []
    while len(tokens) < n_tokens:
        word = rng.choice(words.PLAIN + words.NEWS["noun"])
        pieces = [word[:4], word[4:]] if len(word) > 6 else [word]
        pieces += [","] if rng.random() < 0.2 else []
        for piece in pieces:
            tokens.append((len(text), len(text) + len(piece)))
            text += piece
        text += rng.choice([" ", " ", "  ", "\n"])
    return text, tokens[:n_tokens]


def _cuts(seed: int, stream: int, sizes: list[tuple[int, int, int]]) -> list[tuple]:
    rng = _random(seed, stream)
    return [(*_text(rng, n), size, overlap) for n, size, overlap in sizes]


def _refrain(rng: random.Random) -> tuple[str, list[tuple[int, int]]]:
    """Two words again and again; a token begins with the space before it."""
    text = " ".join(rng.sample(words.PLAIN, 2) * 3)
    return text, [match.span() for match in re.finditer(r" ?\w+", text)]


def windows_apart(seed: int) -> list[tuple]:
    """Without overlap; the last window is short, or whole, or holds what others hold."""
    refrain = _refrain(_random(seed, 905))
    return [*_cuts(seed, 901, [(23, 5, 0), (24, 6, 0), (9, 2, 0)]), (*refrain, 2, 0)]


def windows_over(seed: int) -> list[tuple]:
    """With overlap; a further window would hold nothing new in the second and the third."""
    return _cuts(seed, 902, [(23, 6, 2), (18, 6, 2), (15, 7, 3), (14, 5, 1)])


def windows_short(seed: int) -> list[tuple]:
    """No token, and one; fewer tokens than a window holds, and as many."""
    return _cuts(seed, 903, [(0, 5, 2), (1, 5, 2), (3, 5, 2), (5, 5, 2)])


def windows_wrong(seed: int) -> list[tuple]:
    return _cuts(seed, 904, [(12, 4, 4), (12, 4, 6), (12, 0, 0), (12, 4, -1)])


def chunk_apart(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, windows_apart(seed))


def chunk_over(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, windows_over(seed))


def chunk_short(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, windows_short(seed))


def chunk_wrong(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, windows_wrong(seed))


# retrieve(query, vectors, word_scores, k, weight)


def _space(seed: int, stream: int, n: int = 30, width: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    """A query and vectors of length 1, and word scores, of which most are 0."""
    generator = torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)
    vectors = F.normalize(torch.randn(n + 1, width, generator=generator).double(), dim=1)
    scores = 9 * torch.rand(n, generator=generator).double() + 0.5
    scores[torch.rand(n, generator=generator) < 0.6] = 0
    scores[int(torch.randint(n, (1,), generator=generator))] = 8
    return vectors[0], vectors[1:], scores


def weighted(seed: int) -> list[tuple]:
    """Most rows lack the words; in the last each has one of them, and the best score is below 1."""
    query, vectors, scores = _space(seed, 919)
    return [
        (*_space(seed, 911), 5, 0.1),
        (*_space(seed, 912), 8, 0.3),
        (*_space(seed, 913), 30, 0.5),
        (*_space(seed, 914), 3, 0.6),
        (query, vectors, (scores + 1) / 20, 6, 0.5),
    ]


def wordless(seed: int) -> list[tuple]:
    """No word is found."""
    query, vectors, scores = _space(seed, 915)
    return [(query, vectors, torch.zeros_like(scores), 5, 0.3)]


def of_any_length(seed: int) -> list[tuple]:
    """The same search over vectors of length 1, and with longer ones."""
    query, vectors, scores = _space(seed, 916)
    lengths = torch.arange(1, len(vectors) + 1).double()[:, None]
    return [(query, vectors, scores, 7, 0.3), (4 * query, vectors * lengths, scores, 7, 0.3)]


def small_and_equal(seed: int) -> list[tuple]:
    """Fewer rows than k; and two rows that are equal, the best ones."""
    query, vectors, scores = _space(seed, 917, n=4)
    other, many, found = _space(seed, 918, n=40)
    many[[9, 23]] = other
    found[[9, 23]] = found.max()
    return [(query, vectors, scores, 9, 0.3), (other, many, found, 3, 0.3)]


def retrieve_weighted(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, weighted(seed))


def retrieve_wordless(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, wordless(seed))


def retrieve_lengths(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, of_any_length(seed))


def retrieve_small(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, small_and_equal(seed))


# build_prompt(question, passages, count, budget)


def count_tokens(text: str) -> int:
    """One token for each mark, line break and four letters of a word, and four a text: parts
    counted apart come to more than the whole."""
    return 4 + sum(-(-len(piece) // 4) for piece in re.findall(r"\w+|[^\w\s]|\n", text))


def prompt_text(question: str, lines: list[str]) -> str:
    numbered = "".join(f"[{i}] {line}\n" for i, line in enumerate(lines, start=1))
    return ("Context:\n" + numbered if lines else "") + f"Question: {question}\nAnswer:"


def _passage(rng: random.Random, sentences: int) -> str:
    name = rng.choice(_names(rng, 3))
    return " ".join(f"{name} {_clause(rng)}." for _ in range(sentences))


def _question(rng: random.Random) -> str:
    return f"What does {rng.choice(_names(rng, 3))} eat?"


def roomy(seed: int) -> list[tuple]:
    """There is room for everything; one has no passage, the last one twice."""
    rng = _random(seed, 921)
    given = [
        (_question(rng), [_passage(rng, 1 + i % 3) for i in range(n)], count_tokens, 10_000)
        for n in (2, 4, 1, 0)
    ]
    one, other = _passage(rng, 1), _passage(rng, 2)
    return [*given, (_question(rng), [one, other, one], count_tokens, 10_000)]


def tight(seed: int) -> list[tuple]:
    """To the token all but the second fit; with two to spare the first two; to the token all but
    the last; none; all but the last, for one token, and for three; the first, longer than the
    two after it."""
    rng = _random(seed, 922)
    given = []
    for fitting in ([0, 2, 3], [0, 1], [0, 1, 2]):
        question = _question(rng)
        sizes = {3: (1, 6, 1, 2), 1: (1, 1, 5, 6), 2: (2, 1, 1, 5)}[fitting[-1]]
        passages = [_passage(rng, size) for size in sizes]
        exact = count_tokens(prompt_text(question, [passages[i] for i in fitting]))
        budget = exact + 2 * (fitting[-1] == 1)
        given.append((question, passages, count_tokens, budget))
    question = _question(rng)
    budget = count_tokens(prompt_text(question, [])) + 3
    given.append((question, [_passage(rng, 2), _passage(rng, 3)], count_tokens, budget))
    for short in (1, 3):
        question, passages = _question(rng), [_passage(rng, 1) for _ in range(3)]
        budget = count_tokens(prompt_text(question, passages)) - short
        given.append((question, passages, count_tokens, budget))
    question, passages = _question(rng), [_passage(rng, size) for size in (7, 1, 1)]
    budget = count_tokens(prompt_text(question, passages[:1]))
    return [*given, (question, passages, count_tokens, budget)]


def broken_lines(seed: int) -> list[tuple]:
    """Line breaks and a tab; and one passage that fits, with a little room, on one line only."""
    rng = _random(seed, 923)
    passages = [
        _passage(rng, 3).replace(". ", ".\n", 1),
        f"{_passage(rng, 1)}\n\n{_passage(rng, 1)}\n",
        _passage(rng, 1).replace(" ", "\t", 1),
    ]
    line, question = _passage(rng, 2), _question(rng)
    budget = count_tokens(prompt_text(question, [line])) + 8
    wide = (question, [line.replace(". ", "." + 20 * "\n", 1)], count_tokens, budget)
    return [(_question(rng), passages, count_tokens, 10_000), wide]


def too_long(seed: int) -> list[tuple]:
    """A question longer than the budget by a token and by many, and without a passage; the last
    takes it whole."""
    rng = _random(seed, 924)
    question = _question(rng)
    exact = count_tokens(prompt_text(question, []))
    given = [(question, [_passage(rng, 1)], count_tokens, b) for b in (exact - 1, 2, exact)]
    return [(question, [], count_tokens, exact - 1), *given]


def prompt_roomy(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, roomy(seed))


def prompt_tight(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, tight(seed))


def prompt_lines(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, broken_lines(seed))


def prompt_too_long(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, too_long(seed))


# ranking_metrics(found, gains, k)


def _ranking(rng: random.Random, k: int, wanted: int, best: int) -> tuple[list[int], dict]:
    """A ranking of 20 items whose first relevant one is at rank ``best``; gains from 1 to 4."""
    items = rng.sample(range(100), 20 + wanted)
    ranked, outside = items[:20], items[20:]
    later = rng.sample(range(best, 20), min(wanted - 1, 3))
    chosen = [ranked[best - 1], *(ranked[i] for i in later)]
    chosen += outside[: wanted - len(chosen)]
    return ranked, {item: rng.randint(1, 4) for item in chosen}


def _rising(rng: random.Random) -> tuple[list[int], dict]:
    """The second item of a ranking is worth more than the first; the best one is not found."""
    items = rng.sample(range(100), 8)
    return items[:7], {items[0]: 1, items[1]: 3, items[7]: 4}


def ranked(seed: int) -> list[tuple]:
    """Full rankings; queries differ in how many items are relevant and where the first is."""
    rng = _random(seed, 931)
    given = []
    for k, shape in (
        (5, ((1, 1), (2, 3), (4, 2), (3, 7))),
        (3, ((6, 2), (5, 1), (1, 3))),
        (10, ((2, 4), (3, 1))),
        (4, ((7, 1), (6, 2))),
    ):
        pairs = [_ranking(rng, k, wanted, best) for wanted, best in shape]
        pairs += [_rising(rng)] if k == 5 else []
        given.append(([r for r, _ in pairs], [g for _, g in pairs], k))
    return given


def few_found(seed: int) -> list[tuple]:
    """Fewer found than k; one finds nothing at all. What is found is found by rank 2. In the
    second, fewer are found than are relevant."""
    rng = _random(seed, 932)
    items = rng.sample(range(100), 9)
    gains = [{items[1]: 2}, {items[4]: 1}, {items[5]: 3}]
    fewer = ([items[:2]], [{items[1]: 1, items[4]: 3, items[5]: 2}], 5)
    return [([[items[0], items[1], items[2]], [], [items[5]]], gains, 5), fewer]


def metrics_ranked(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, ranked(seed))


def metrics_few(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, few_found(seed))


# split_facts(text)


def plain_sentences(seed: int) -> list[tuple]:
    """A clause a sentence, each with its name; a number with a point; no period at the end; a
    line break and an exclamation mark inside of sentences."""
    rng = _random(seed, 941)
    names = _names(rng, 4)
    lines = [f"{name} {_clause(rng)}" for name in names]
    numbered = f"{names[0]} runs {rng.randint(1, 9)}.{rng.randint(1, 9)} miles"
    return [
        (". ".join(lines[:3]) + ".",),
        (f"{lines[0]}. {numbered}. {lines[1]}.",),
        (".\n".join(lines[1:]),),
        ("",),
        (f"{lines[1]}. {names[2]} eats\ncake. {lines[0]}.",),
        (f"{lines[2]}. {names[3]} shouts hey! twice. {lines[1]}.",),
    ]


def joined_clauses(seed: int) -> list[tuple]:
    """Clauses that share the sentence's subject, joined in three ways; a comma in a number;
    an "or"."""
    rng = _random(seed, 942)
    names = _names(rng, 4)
    a, b, c, d, e, f = _clauses(rng, 6)
    return [
        (f"{names[0]} {a} and {b}.",),
        (f"{names[1]} {a}, {b} and {c}. {names[2]} {d}, {e}, and {f}.",),
        (f"Sandro {c} and {d}. {names[3]} {e}.",),
        (f"{names[1]} keeps 1,000 snakes and {a}. {names[0]} eats beans or cake.",),
    ]


def other_subjects(seed: int) -> list[tuple]:
    """Pronouns, and clauses with names of their own; names that begin with a pronoun, or with a
    letter beyond Z."""
    rng = _random(seed, 943)
    names = _names(rng, 3)
    a, b, c, d = _clauses(rng, 4)
    return [
        (f"{names[0]} {a}. She {b} and {c}.",),
        (f"{names[0]} {a} and {names[1]} {b}. He {c}.",),
        (f"{names[2]} {a}. {names[1]} {b}, {names[0]} {c} and {d}. They {a}.",),
        (f"{names[1]} {d}. It {a} and {c}.",),
        (f"{names[0]} {a}. Helga {b} and {c}. He speaks Hebrew.",),
        (f"{names[1]} {a}. \u00c9lodie {b} and {d}.",),
    ]


def split_plain(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, plain_sentences(seed))


def split_joined(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, joined_clauses(seed))


def split_subjects(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, other_subjects(seed))


def repeated_clauses(seed: int) -> list[tuple]:
    """The same clause twice, also at the end of one before; spaces and line breaks at the
    beginning and between sentences."""
    rng = _random(seed, 944)
    names = _names(rng, 3)
    a, b = _clauses(rng, 2)
    return [
        (f"{names[0]} {a} and {b}. {names[1]} {a}.",),
        (f"{names[0]} {a}.\n\n{names[2]} {b} and {a}.  {names[1]} {b}, {a}.",),
        (f"{names[2]} {b}. {names[0]} {a}. {names[2]} {b}.",),
        (f"{names[1]} {b}. {names[0]} always {a} and {a}.",),
        (f" \n{names[0]} {a}. {names[1]} {b}.",),
    ]


def split_spans(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, repeated_clauses(seed))


# match_source(fact, chunks, score, threshold)


PERIOD = 2**-10


def overlap_score(fact: str, sentences: list[str]) -> list[float]:
    """The share of words that a fact and each sentence have in common, of those in either; a
    period at the end adds ``PERIOD``.

    Raises TypeError for anything but a list of texts.
    """
    if isinstance(sentences, str) or not all(isinstance(s, str) for s in sentences):
        raise TypeError("score(fact, sentences) takes a list of texts")
    wanted = set(re.findall(r"\w+", fact))
    found = [set(re.findall(r"\w+", sentence)) for sentence in sentences]
    shares = [len(wanted & there) / max(1, len(wanted | there)) for there in found]
    ended = [sentence.endswith(".") for sentence in sentences]
    return [share + PERIOD * end for share, end in zip(shares, ended, strict=True)]


def distance_score(fact: str, sentences: list[str]) -> list[float]:
    """0 for a sentence of the fact's words alone, below 0 for every other."""
    return [share - (1 + PERIOD) for share in overlap_score(fact, sentences)]


def _register(rng: random.Random, sentences: int) -> tuple[list[str], list[str]]:
    """Sentences about several people, no two alike."""
    names = _names(rng, 4)
    clauses = _clauses(rng, sentences)
    lines = [f"{names[i % 4]} {clause}." for i, clause in enumerate(clauses)]
    return lines, names


def _chunked(file: str, parts: list[list[str]], joint: str = " ", start: int = 0) -> list[Chunk]:
    """Sentences as chunks of one document, which begins at ``start``, a blank line between."""
    made = []
    for lines in parts:
        content = joint.join(lines)
        made.append(Chunk(file, content, "", start, start + len(content)))
        start += len(content) + 2
    return made


def first_chunks(seed: int) -> list[tuple]:
    """Chunks that each begin their document: the fact is in one of several, or nearly."""
    rng = _random(seed, 951)
    given = []
    for wanted in (0, 4, 8):
        lines, names = _register(rng, 9)
        chunks = [_chunked(f"{i}.txt", [lines[3 * i : 3 * i + 3]])[0] for i in range(3)]
        other = f"{lines[wanted].split()[0]} knows {lines[wanted].split()[-1]}"
        given.append((other.rstrip("."), chunks, overlap_score, 0.1))
    lines, _ = _register(rng, 5)  # the first is about the same person as the last
    given.append((lines[4].rstrip("."), _chunked("f.txt", [lines]), overlap_score, 0.1))
    lines, _ = _register(rng, 4)
    twice = _chunked("a.txt", [lines]) + _chunked("b.txt", [lines[:0:-1]])
    given.append((lines[1].rstrip("."), twice, overlap_score, 0.1))
    lines, _ = _register(rng, 9)  # a long chunk that says it, a short one about the same person
    chunks = _chunked("g.txt", [lines[8:], lines[:8]])
    given.append((lines[4].rstrip("."), chunks, overlap_score, 0.1))
    return given


def later_chunks(seed: int) -> list[tuple]:
    """Chunks from the middle of documents; line breaks; a number; no period at the end; sentences
    that stand in others too, one after an exclamation mark."""
    rng = _random(seed, 952)
    given = []
    for joint, wanted in ((" ", 4), ("\n", 5), ("  ", 2)):
        lines, _ = _register(rng, 6)
        chunks = _chunked("c.txt", [lines[:3], lines[3:]], joint, start=rng.randint(40, 900))
        given.append((lines[wanted].rstrip("."), chunks, overlap_score, 0.1))
    lines, names = _register(rng, 3)
    lines[1] = f"{names[1]} runs {rng.randint(1, 9)}.{rng.randint(1, 9)} miles."
    chunks = _chunked("d.txt", [[*lines[:2], lines[2].rstrip(".")]], start=rng.randint(40, 900))
    given += [(lines[i].rstrip("."), chunks, overlap_score, 0.1) for i in (1, 2)]
    lines, names = _register(rng, 3)
    told = [f"{names[3]} shouts hey! {lines[0]}", lines[0], f"{names[3]} says {lines[1]}", lines[1]]
    told += [lines[2].replace(" ", "\n")]
    chunks = _chunked("h.txt", [told], start=rng.randint(40, 900))
    given += [(lines[i].rstrip("."), chunks, overlap_score, 0.1) for i in (0, 1, 2)]
    return given


def at_the_threshold(seed: int) -> list[tuple]:
    """The best score is below the threshold, above it, and equal to it; and is 0 or below 0."""
    rng = _random(seed, 953)
    lines, names = _register(rng, 4)
    fact = f"{lines[2].split()[0]} knows {lines[2].split()[-1].rstrip('.')}"
    chunks = _chunked("e.txt", [lines])
    best = max(overlap_score(fact, lines))
    given = [(fact, chunks, overlap_score, best + by) for by in (0.01, -0.01, 0.0)]
    given += [(said, chunks, distance_score, -1.0) for said in (fact, lines[1].rstrip("."))]
    return given


def nothing_there(seed: int) -> list[tuple]:
    """No chunk; and one without a sentence."""
    blank = Chunk("i.txt", " \n", "", 40, 42)
    return [("Nobody knows", given, overlap_score, 0.1) for given in ([], [blank])]


def match_first(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, first_chunks(seed))


def match_later(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, later_chunks(seed))


def match_threshold(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, at_the_threshold(seed))


def match_nothing(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, nothing_there(seed))


# verify_and_cite(facts, sources, supports)


def _source(rng: random.Random, line: str, file: str = "", start: int = -1) -> Source:
    start = start if start >= 0 else rng.randint(0, 900)
    file = file or f"{rng.choice('abcd')}{rng.randint(1, 99)}.txt"
    return Source(file, start, start + len(line), line, round(rng.uniform(0.5, 0.9), 3))


def _facts(rng: random.Random, count: int) -> list[str]:
    lines, _ = _register(rng, count)
    return [line.rstrip(".") for line in lines]


def distinct(seed: int) -> list[tuple]:
    """Facts, each with a source of its own, and which of them are supported."""
    rng = _random(seed, 961)
    given = []
    for verdicts in ((True, False, True, True), (False, True), (False, False), (True, True, False)):
        facts = _facts(rng, len(verdicts))
        given.append((facts, [_source(rng, f"{fact}.") for fact in facts], list(verdicts)))
    return given


def shared(seed: int) -> list[tuple]:
    """Three facts have one source, found with two scores; its sentence stands in another document
    and at another place too, and begins a longer one. And a fact that is said twice. All are
    supported."""
    rng = _random(seed, 962)
    facts = _facts(rng, 7)
    one = _source(rng, f"{facts[0]}.", "k.txt", 300)
    again = one._replace(score=one.score / 2)
    elsewhere, later = one._replace(file="j.txt"), one._replace(start=500, stop=500 + len(one.text))
    longer = one._replace(stop=one.stop + 8, text=f"{one.text} Always.")
    sources = [one, _source(rng, f"{facts[1]}."), again, elsewhere, later, one, longer]
    twice = ([facts[0], facts[1], facts[0]], [one, sources[1], one], [True] * 3)
    return [(facts, sources, [True] * 7), twice]


def sourceless(seed: int) -> list[tuple]:
    """Some facts have no source; a careless verifier would support them all."""
    rng = _random(seed, 963)
    facts = _facts(rng, 4)
    sources = [None if i % 2 else _source(rng, f"{fact}.") for i, fact in enumerate(facts)]
    return [(facts, sources, [True] * 4), (facts[:1], [None], [True])]


def with_common_sources(seed: int) -> list[tuple]:
    """A source supports one fact and not another, in both orders; a fact has no source."""
    rng = _random(seed, 964)
    given = distinct(seed)
    for verdicts in ([True, False], [False, True]):
        facts = _facts(rng, 2)
        given.append((facts, [_source(rng, f"{facts[0]}. {facts[1]}.")] * 2, verdicts))
    facts = _facts(rng, 2)
    return [*given, (facts, [_source(rng, f"{facts[0]}."), None], [True, True])]


class _Verifier:
    """Says of each fact whether it is supported, whichever way round it is asked."""

    def __init__(self, facts: list[str], verdicts: list[bool]):
        self.verdicts = dict(zip(facts, verdicts, strict=True))
        self.asked: list[list[str]] = []

    def __call__(self, source: str, fact: str) -> bool:
        self.asked.append([str(source), str(fact)])
        return self.verdicts.get(fact, self.verdicts.get(source, False))


def _cited(answer: Callable, inputs: list[tuple]) -> list[dict]:
    """Outcomes with what the verifier was ``asked``."""
    calls = []
    for facts, sources, verdicts in inputs:
        verifier = _Verifier(facts, verdicts)
        call = attempt(lenient(answer), list(facts), list(sources), verifier)
        calls.append(call | {"asked": verifier.asked})
    return calls


def cite_distinct(answer: Callable, seed: int) -> list[dict]:
    return _cited(answer, distinct(seed))


def cite_asked(answer: Callable, seed: int) -> list[dict]:
    return _cited(answer, with_common_sources(seed))


def cite_shared(answer: Callable, seed: int) -> list[dict]:
    return _cited(answer, shared(seed))


def cite_sourceless(answer: Callable, seed: int) -> list[dict]:
    return _cited(answer, sourceless(seed))
