"""Reverse RAG: a text is taken apart into single facts, each looks for its source, a second pass
compares the two, and only what is supported is printed, with references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional as F

from .rag import answers
from .store import Chunk, Embedder

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SENTENCE = re.compile(r"\S.*?(?:\.(?=\s|$)|$)", re.DOTALL)
JOINT = re.compile(r", and |, | and ")
PRONOUNS = ("He", "She", "They", "It")


class Fact(NamedTuple):
    """A single fact, and the characters of the text in which it is said."""

    text: str
    start: int
    stop: int


class Source(NamedTuple):
    """A sentence of a document, from which character to which it goes, and how near it is."""

    file: str
    start: int
    stop: int
    text: str
    score: float


def split_facts(text: str) -> list[Fact]:
    """The single facts of a text, each with a subject of its own.

    A sentence ends with a period before white space or the end; its clauses are joined by ", ",
    " and " or ", and ". A clause with a capital letter at its beginning has a subject, its first
    word; one without gets the subject before it; a pronoun (PRONOUNS) is replaced by it.
    """
    facts, subject = [], ""
    for sentence in SENTENCE.finditer(text):
        stop = sentence.end() - sentence[0].endswith(".")
        start = sentence.start()
        ends = [(m.start(), m.end()) for m in JOINT.finditer(text, start, stop)]
        for end, after in [*ends, (stop, stop)]:
            clause = text[start:end]
            first, _, rest = clause.partition(" ")
            if first in PRONOUNS and subject:
                said = f"{subject} {rest}"
            elif first[:1].isupper():
                subject, said = first, clause
            else:
                said = f"{subject} {clause}".strip()
            if clause:
                facts.append(Fact(said, start, end))
            start = after
    return facts


def match_source(
    fact: str,
    chunks: Sequence[Chunk],
    score: Callable[[str, list[str]], Sequence[float]],
    threshold: float,
) -> tuple[str, int, int, float] | None:
    """The sentence of the chunks that is nearest to a fact, None if none reaches the threshold:
    its document, from which character to which it goes, and its score.

    ``score(fact, sentences)`` gives a number for each sentence, the larger the nearer. The span
    counts characters of the document, not of the chunk. Of equal ones the first is taken.
    """
    sentences = [
        (chunk.file, chunk.start + m.start(), chunk.start + m.end(), m[0])
        for chunk in chunks
        for m in SENTENCE.finditer(chunk.content)
    ]
    if not sentences:
        return None
    scores = [float(x) for x in score(fact, [text for *_, text in sentences])]
    best = max(range(len(scores)), key=scores.__getitem__)
    if scores[best] < threshold:
        return None
    return *sentences[best][:3], scores[best]


def verify_and_cite(
    facts: Sequence[str],
    sources: Sequence[Source | None],
    supports: Callable[[str, str], bool],
) -> tuple[list[tuple[str, int]], list[Source]]:
    """The supported facts, each with the number of its reference, and the references from 1 on.

    ``supports(source's text, fact)`` is asked once for each fact that has a source. Facts keep
    their order; references are numbered as they are first needed, one span once.
    """
    cited: list[tuple[str, int]] = []
    references: list[Source] = []
    numbers: dict[tuple[str, int, int], int] = {}
    for fact, source in zip(facts, sources, strict=True):
        if source is not None and supports(source.text, fact):
            span = source[:3]
            if span not in numbers:
                references.append(source)
                numbers[span] = len(references)
            cited.append((fact, numbers[span]))
    return cited, references


def cosines(embedder: Embedder) -> Callable[[str, list[str]], list[float]]:
    """A score for `match_source`: the cosine of fact and sentence; a sentence is embedded once."""
    known: dict[str, torch.Tensor] = {}

    def score(fact: str, sentences: list[str]) -> list[float]:
        if new := sorted({fact, *sentences} - known.keys()):
            encoded = embedder.encode_document(new, batch_size=16, show_progress_bar=False)
            vectors = F.normalize(torch.as_tensor(encoded).float(), dim=1)
            known.update(zip(new, vectors, strict=True))
        return (torch.stack([known[s] for s in sentences]) @ known[fact]).tolist()

    return score


def best_threshold(scores: Sequence[float], is_true: Sequence[bool]) -> float:
    """The threshold, in hundredths, that tells true claims from false ones most often; the lowest
    of equal ones."""

    def right(threshold: float) -> int:
        return sum((x >= threshold) == t for x, t in zip(scores, is_true, strict=True))

    return max((i / 100 for i in range(101)), key=right)


# What course-lm does


def extract(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> list[list[str]]:
    """The facts that course-lm finds in each text, without periods, each once."""
    prompts = [f"Document: {text}\nFacts:" for text in texts]
    written = answers(model, tokenizer, prompts, max_new_tokens=40, end="")
    lines = [[line.rstrip(".") for line in answer.text.splitlines()] for answer in written]
    return [list(dict.fromkeys(filter(None, facts))) for facts in lines]


class Verdict(NamedTuple):
    """What the source says by the verifier, in the words of the claim, and whether it agrees."""

    evidence: str
    agrees: bool


def verdicts(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, pairs: Sequence[tuple[str, str]]
) -> list[Verdict]:
    """What course-lm makes of pairs (source's text, claim): evidence first, then yes or no."""
    prompts = [
        f"Context: {source}\nClaim: {claim} yes or no?\nSupported:" for source, claim in pairs
    ]
    found = []
    for answer in answers(model, tokenizer, prompts, max_new_tokens=16):
        evidence, _, verdict = answer.text.rpartition(" ")
        found.append(Verdict(evidence, verdict == "yes"))
    return found


def is_quoted(evidence: str, source: str) -> bool:
    """Whether the evidence is about what the source is about: its first and last word are there."""
    there = set(re.findall(r"\w+", source))
    said = evidence.split()
    return len(said) > 1 and said[0] in there and said[-1] in there


def is_supported(verdict: Verdict, source: str, claim: str) -> bool:
    """Whether the verifier agrees with evidence that is in the source and restates the claim."""
    return verdict.agrees and is_quoted(verdict.evidence, source) and verdict.evidence == claim
