"""Judges of ``rag.split_facts``, ``.match_source`` and ``.verify_and_cite``.

Oracles: sentences and clauses cut at marks found character by character; every sentence scored;
and a table of the verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.judges.listed import as_it_is, judged, numbers_out, show
from course_utils.checks.probes import rag as probes

_RESULT = {
    "result/not-rows": (
        "The result is not a list of rows of the right length.",
        "Compare with the signature above the exercise.",
    ),
}

SENTENCES = {
    "rag.split_facts": _RESULT
    | {
        "sentence/every-period": (
            "A number with a point is cut in two.",
            "A sentence ends with a period before white space or the end of the text.",
        ),
        "sentence/last-lost": (
            "The last sentence is lost where no period ends it.",
            "The end of the text ends a sentence too.",
        ),
        "sentence/last-letter": (
            "The last letter is lost where no period ends the text.",
            "Cut off a period only if there is one.",
        ),
        "sentence/line-break": (
            "A line break after a period does not end the sentence.",
            "Any white space after the period does.",
        ),
        "sentence/other-marks": (
            "Another mark than a period ends a sentence.",
            "Only a period does, before white space or at the end of the text.",
        ),
        "sentence/broken-line": (
            "A sentence that goes on after a line break is cut there, or lost.",
            "Only a period ends it; in a pattern, `.` matches a line break with re.DOTALL.",
        ),
        "sentence/empty": ("There are empty facts.", "Leave out what holds no word."),
        "fact/keeps-period": ("The facts end in periods.", "Cut the period off."),
        "fact/white-space": (
            "White space inside of a fact is changed.",
            "A clause stays as it stands in the text.",
        ),
        "fact/keeps-space": ("The facts begin or end with white space.", "strip()"),
        "clause/whole-sentences": (
            "Sentences are not cut into clauses.",
            'Cut at ", and ", ", " and " and ".',
        ),
        "clause/commas-only": ('" and " joins clauses too.', 'Cut at " and " as well.'),
        "clause/and-only": ('", " joins clauses too.', 'Cut at ", " as well.'),
        "clause/keeps-and": (
            'After ", and " a clause begins with "and".',
            'Look for ", and " before ", ".',
        ),
        "clause/other-words": (
            "Another word than and joins clauses.",
            'Cut at ", and ", ", " and " and ", at nothing else.',
        ),
        "clause/comma-alone": (
            "A comma inside of a number is a joint.",
            'Cut at ", ", with its space.',
        ),
        "clause/inside-words": (
            'Names that hold "and" are cut.',
            'Cut at " and ", with its spaces.',
        ),
        "subject/missing": (
            "A clause without a subject is left without.",
            "It takes the subject before it: the first word of the last clause that had one.",
        ),
        "subject/glued": ("Subject and clause run together.", "A space between them."),
        "subject/forgotten": (
            "The subject is forgotten at the end of a sentence.",
            "It is the last one before, in whatever sentence.",
        ),
        "subject/first-of-text": (
            "Every clause gets the first subject of the text.",
            "The last one before it.",
        ),
        "subject/of-the-sentence": (
            "A clause gets the sentence's first word, though a later clause has a subject.",
            "The last clause that begins with a capital letter.",
        ),
        "subject/twice": (
            "A clause with a subject of its own gets another.",
            "A clause that begins with a capital letter stays as it is.",
        ),
        "subject/too-long": (
            "More than one word is taken for the subject.",
            "It is the clause's first word.",
        ),
        "pronoun/kept": ("Pronouns stay.", "He, She, They and It become the subject before them."),
        "pronoun/some": (
            "A pronoun stays, others are replaced.",
            "There are four: He, She, They and It.",
        ),
        "pronoun/inside-words": (
            "A pronoun is found inside of a longer word.",
            "Compare the clause's whole first word, and replace only that.",
        ),
        "subject/some-letters": (
            "A name that begins with a letter beyond Z is no subject.",
            "str.isupper knows all capital letters.",
        ),
        "pronoun/before": (
            "The subject is put before the pronoun.",
            "It takes the pronoun's place.",
        ),
        "pronoun/as-name": (
            "A pronoun is taken for the subject of what follows.",
            "The subject stays the last name.",
        ),
        "span/in-sentence": (
            "Spans count from the beginning of the sentence.",
            "Add where the sentence begins.",
        ),
        "span/first-found": (
            "A clause that occurs twice has the same span twice: it looks like text.find(clause).",
            "Search from the end of the clause before: text.index(clause, start).",
        ),
        "span/length": ("The stop is the clause's length.", "start + len(clause)"),
        "span/other-text": (
            "The spans count characters of a text whose white space was changed.",
            "Do not strip or join the text: its characters count as they stand.",
        ),
        "span/sentence": (
            "The spans are those of the sentences.",
            "Each fact has the characters of its own clause.",
        ),
        "span/of-the-fact": (
            "A span is as long as the fact with its added subject.",
            "It covers what stands in the text.",
        ),
        "span/inclusive": (
            "A span ends one character early or late.",
            "text[start:stop] is the clause, without the period.",
        ),
    },
    "rag.match_source": _RESULT
    | {
        "match/farthest": ("The sentence with the lowest score is taken.", "The largest score."),
        "match/first-chunk": ("Only the first chunk is searched.", "All chunks."),
        "match/last-chunk": (
            "The best of the last chunk is taken.",
            "The best of all chunks: keep it only if it is better.",
        ),
        "match/nearest-chunk": (
            "Only the sentences of the nearest chunk are compared.",
            "A long chunk is near to nothing: compare the sentences of all chunks.",
        ),
        "match/first-sentence": (
            "The first sentence above the threshold is taken, not the best.",
            "Score all, then take the largest.",
        ),
        "match/other-file": (
            "The file is not that of the sentence.",
            "Note the file of each sentence: after a loop its variable holds the last chunk.",
        ),
        "match/last-of-equal": ("Of equal scores the last is taken.", "The first: >, not >=."),
        "span/whole-chunk": (
            "The whole chunk is given.",
            "Cut it into sentences, each with its span.",
        ),
        "span/in-chunk": (
            "The span counts from the beginning of the chunk.",
            "Add chunk.start: a reader has the document, not the chunk.",
        ),
        "span/first-found": (
            "The span is that of another place with the same characters.",
            "Use the place where the sentence was cut.",
        ),
        "span/inclusive": (
            "The span is a character too short or too long.",
            "A sentence goes from its first letter to its period, included.",
        ),
        "span/one-apart": (
            "Sentences are taken to stand one character apart.",
            "White space can be longer: take the place where the sentence was found.",
        ),
        "sentence/other-marks": (
            "Another mark than a period ends a sentence.",
            "Only a period does, before white space or at the end.",
        ),
        "score/without-period": (
            "The sentences are scored without their period.",
            "Here the period belongs to the sentence.",
        ),
        "result/order": ("The four values are in another order.", "(file, start, stop, score)"),
        "span/length": ("The stop is the sentence's length.", "start + len(sentence)"),
        "span/chunk-end": ("The end is that of the chunk.", "start + len(sentence)"),
        "sentence/every-period": (
            "A number with a point is cut in two.",
            "A period before white space, or at the end.",
        ),
        "sentence/line-break": (
            "A sentence goes on after a line break.",
            "Any white space after a period ends it.",
        ),
        "sentence/broken-line": (
            "A sentence that goes on after a line break is cut there, or lost.",
            "Only a period ends it; in a pattern, `.` matches a line break with re.DOTALL.",
        ),
        "sentence/last-lost": (
            "A last sentence without a period is lost.",
            "The end of the chunk ends a sentence.",
        ),
        "score/missing": ("The score is not that of the sentence.", "Return the largest score."),
        "threshold/ignored": (
            "A source is given although its score is below the threshold.",
            "Return None.",
        ),
        "threshold/strict": (
            "A score equal to the threshold is refused.",
            "None only below it: <.",
        ),
        "threshold/zero": (
            "A best score of 0, or below 0, gives no source.",
            "A score has no least value: compare it with the threshold alone.",
        ),
        "threshold/nothing": ("Nothing reaches the threshold.", "Compare with >=."),
        "empty/raises": (
            "It fails without chunks, or without a sentence in them.",
            "There is no source then: None.",
        ),
    },
    "rag.verify_and_cite": _RESULT
    | {
        "keeps/unsupported": ("Facts that are not supported are printed.", "Leave them out."),
        "keeps/inverted": ("The refused facts are printed.", "Those that are supported."),
        "keeps/stops": (
            "The first refusal ends it.",
            "The next facts may be supported: continue, not break.",
        ),
        "keeps/lost": ("A supported fact is missing.", "Each fact that is supported is cited."),
        "keeps/order": ("The facts are in another order.", "They keep their order."),
        "keeps/once": (
            "A fact that is said twice is printed once.",
            "A list keeps both, a dict or a set does not.",
        ),
        "numbers/from-zero": ("References are numbered from 0.", "The first is 1."),
        "numbers/of-the-list": (
            "The number is the fact's place in the list.",
            "References are numbered as they are needed.",
        ),
        "numbers/gaps": (
            "Numbers are left out.",
            "A new reference has one more than there are: len(references) after it is added.",
        ),
        "numbers/first-only": (
            "Of the facts that share a source only the first is printed.",
            "Each supported fact is cited, with the number that its source has already.",
        ),
        "numbers/not-shared": (
            "One source has several numbers.",
            "The same file, start and stop is the same reference.",
        ),
        "numbers/by-object": (
            "A source found with another score counts as another.",
            "Compare file, start and stop alone.",
        ),
        "numbers/by-text": (
            "The same words in another place count as the same source.",
            "Compare file, start and stop.",
        ),
        "numbers/by-file": (
            "A document is one reference.",
            "A reference is a place: file, start and stop.",
        ),
        "numbers/by-start": (
            "What begins at one place counts as the same source.",
            "Compare the stop as well.",
        ),
        "numbers/without-file": (
            "The same place in another document counts as the same source.",
            "Compare the file as well.",
        ),
        "references/of-refused": (
            "The references hold sources of facts that are not printed.",
            "Add a source when a supported fact needs it.",
        ),
        "references/repeated": (
            "A reference is listed once for each of its facts.",
            "Add a source only with a new number.",
        ),
        "references/order": ("The references are in another order.", "Number 1 comes first."),
        "sourceless/cited": ("A fact without a source is printed.", "No source: leave it out."),
        "sourceless/raises": ("It fails on a fact without a source.", "Its source is None."),
        "asked/swapped": (
            "The verifier gets fact and source in the wrong order.",
            "supports(source.text, fact)",
        ),
        "asked/not-the-text": (
            "The verifier does not get the source's text.",
            "supports(source.text, fact)",
        ),
        "asked/twice": (
            "The verifier is asked more than once for a fact.",
            "A second pass is costly: keep what it said.",
        ),
        "asked/sourceless": (
            "The verifier is asked about a fact without a source.",
            "There is nothing to compare it with: leave the fact out.",
        ),
        "asked/once-a-source": (
            "The verifier is asked once for a source, not for each fact.",
            "A source can support one fact and not another: ask for each pair.",
        ),
        "asked/not": ("The verifier is not asked about every fact.", "Ask for each with a source."),
    },
}

Row = tuple[str, int, int]


# split_facts


def _sentences(text: str, ends: Callable[[str, int], bool] | None = None) -> list[tuple[int, int]]:
    """From where to where each sentence goes, its period not counted."""
    ends = ends or (lambda text, i: i + 1 == len(text) or text[i + 1].isspace())
    spans, start = [], 0
    for i, mark in enumerate(text):
        if mark == "." and ends(text, i):
            spans.append((start, i))
            start = i + 1
    spans.append((start, len(text)))
    trimmed = []
    for a, b in spans:
        while a < b and text[a].isspace():
            a += 1
        if a < b:
            trimmed.append((a, b))
    return trimmed


def _clauses(text: str, start: int, stop: int, joints: tuple[str, ...]) -> list[tuple[int, int]]:
    spans, i = [], start
    while i < stop:
        joint = next((j for j in joints if text.startswith(j, i) and i + len(j) <= stop), "")
        if joint:
            spans.append((start, i))
            i = start = i + len(joint)
        else:
            i += 1
    return [*spans, (start, stop)]


JOINTS = (", and ", ", ", " and ")
PRONOUNS = ("He", "She", "They", "It")


def _subject(clause: str, known: str) -> tuple[str, str]:
    """The clause with its subject, and the subject for the next one."""
    first, _, rest = clause.partition(" ")
    if first in PRONOUNS and known:
        return f"{known} {rest}", known
    if first[:1].isupper():
        return clause, first
    return f"{known} {clause}".strip(), known


def _facts(
    text: str, joints=JOINTS, subject=_subject, ends=None, per_sentence: bool = False
) -> list[Row]:
    rows, known = [], ""
    for start, stop in _sentences(text, ends):
        known = "" if per_sentence else known
        for a, b in _clauses(text, start, stop, joints):
            said, known = subject(text[a:b], known)
            rows.append([said, a, b])
    return rows


def _pronoun_kept(clause, known):
    return (clause, known) if clause.split()[0] in PRONOUNS else _subject(clause, known)


def _pronoun_as_name(clause, known):
    return (clause, clause.split()[0]) if clause[:1].isupper() else (f"{known} {clause}", known)


def _only(*pronouns: str) -> Callable:
    """Replaces these pronouns; another is taken for a name."""

    def subject(clause, known):
        others = set(PRONOUNS) - set(pronouns)
        first = clause.split()[0]
        return (clause, first) if first in others else _subject(clause, known)

    return subject


def _pronoun_before(clause, known):
    if clause.split()[0] in PRONOUNS and known:
        return f"{known} {clause}", known
    return _subject(clause, known)


def _pronoun_replaced(clause, known):
    first = clause.split()[0]
    return (clause.replace(first, known), known) if first in PRONOUNS else _subject(clause, known)


def _pronoun_prefix(clause, known):
    prefix = next((p for p in PRONOUNS if clause.startswith(p)), "")
    return (known + clause.removeprefix(prefix), known) if prefix else _subject(clause, known)


def _pronoun_prefix_word(clause, known):
    if clause.startswith(PRONOUNS):
        return f"{known} {clause.partition(' ')[2]}", known
    return _subject(clause, known)


def _pronoun_follows(clause, known):
    first, _, rest = clause.partition(" ")
    return (f"{known} {rest}", first) if first in PRONOUNS else _subject(clause, known)


def _strict(clause, known):
    """A pronoun makes way for a subject, also where none is known."""
    first = clause.split()[0]
    return (
        (known + clause.removeprefix(first), known)
        if first in PRONOUNS
        else _subject(clause, known)
    )


def _glued(clause, known):
    said, after = _subject(clause, known)
    return (f"{known}{clause}" if not clause[:1].isupper() else said), after


def _whole_clause(clause, known):
    said, after = _subject(clause, known)
    return said, clause if said == clause else after


def _ascii_only(clause, known):
    return _subject(clause, known) if clause[:1].isascii() else (f"{known} {clause}", known)


def _first_of_text(clause, known):
    if clause[:1].isupper() and clause.split()[0] not in PRONOUNS:
        return clause, known or clause.split()[0]
    return _subject(clause, known)


def _two_words(clause, known):
    said, known = _subject(clause, known)
    return said, " ".join(clause.split()[:2]) if said == clause else known


def _twice(clause, known):
    if not known:
        return clause, clause.split()[0]
    return (f"{known} {clause}", known) if not clause.startswith(known) else (clause, known)


def _of_sentence(text: str) -> list[Row]:
    """Each clause takes the first word of its sentence; a pronoun the name before it."""
    rows, name = [], ""
    for start, stop in _sentences(text):
        first, *rest = _clauses(text, start, stop, JOINTS)
        said, name = _subject(text[slice(*first)], name)
        rows.append([said, *first])
        for a, b in rest:
            clause = text[a:b]
            rows.append([clause if clause[:1].isupper() else f"{name} {clause}", a, b])
    return rows


def _all_of_sentence(text: str) -> list[Row]:
    """Each clause takes the first word of its sentence, also where it has a subject."""
    rows, name = [], ""
    for start, stop in _sentences(text):
        first, *rest = _clauses(text, start, stop, JOINTS)
        said, name = _subject(text[slice(*first)], name)
        rows.append([said, *first])
        rows += [[f"{name} {text[a:b]}", a, b] for a, b in rest]
    return rows


def _mapped(change: Callable[[str], str]) -> Callable:
    return lambda text: [[change(said), a, b] for said, a, b in _facts(text)]


SPLITS = [
    ("sentence/every-period", lambda text: _facts(text, ends=lambda t, i: True)),
    ("sentence/last-lost", lambda text: _complete(text)),
    (
        "sentence/line-break",
        lambda text: _facts(text, ends=lambda t, i: i + 1 == len(t) or t[i + 1] == " "),
    ),
    ("sentence/last-letter", lambda text: _last_letter(text)),
    ("sentence/other-marks", lambda text: _facts(text.replace("! ", "!. "))),
    ("sentence/other-marks", lambda text: _facts(text.replace("! ", ". "))),
    ("sentence/broken-line", lambda text: _facts(re.sub(r"(?<!\.)\n", ".\n", text))),
    ("sentence/broken-line", lambda text: _facts(re.sub(r"[^\s.][^\n.]*\n", "", text))),
    ("fact/white-space", _mapped(lambda said: " ".join(said.split()))),
    ("sentence/empty", lambda text: [*_facts(text), ["", len(text), len(text)]]),
    ("sentence/empty", lambda text: _facts(text) or [["", 0, 0]]),
    ("fact/keeps-period", _mapped(lambda said: f"{said}.")),
    ("fact/keeps-period", lambda text: _keeping(text, every=True)),
    ("fact/keeps-period", lambda text: _keeping(text, every=False)),
    ("clause/whole-sentences", lambda text: _facts(text, ())),
    ("clause/commas-only", lambda text: _facts(text, (", and ", ", "))),
    ("clause/commas-only", lambda text: _facts(text, (", ",))),
    ("clause/and-only", lambda text: _facts(text, (" and ",))),
    ("clause/and-only", lambda text: _facts(text, (", and ", " and "))),
    ("clause/other-words", lambda text: _facts(text, (*JOINTS, " or "))),
    ("clause/comma-alone", lambda text: _facts(text, (", and ", ", ", ",", " and "))),
    ("clause/keeps-and", lambda text: _facts(text, (", ", " and "))),
    ("clause/inside-words", lambda text: _facts(text, (", and ", ", ", " and ", "and"))),
    ("clause/inside-words", lambda text: _facts(text, (", and ", ", ", "and"))),
    ("subject/missing", lambda text: _facts(text, subject=lambda c, k: (c, k))),
    ("subject/missing", lambda text: _facts(text, subject=_only_pronouns)),
    ("subject/too-long", lambda text: _facts(text, subject=_two_words)),
    ("subject/too-long", lambda text: _facts(text, subject=_whole_clause)),
    ("subject/glued", lambda text: _facts(text, subject=_glued)),
    ("subject/forgotten", lambda text: _facts(text, subject=_strict, per_sentence=True)),
    ("subject/first-of-text", lambda text: _facts(text, subject=_first_of_text)),
    ("subject/of-the-sentence", _of_sentence),
    ("subject/twice", _all_of_sentence),
    ("subject/twice", lambda text: _facts(text, subject=_twice)),
    ("pronoun/kept", lambda text: _facts(text, subject=_pronoun_kept)),
    ("pronoun/as-name", lambda text: _facts(text, subject=_pronoun_as_name)),
    ("pronoun/as-name", lambda text: _facts(text, subject=_pronoun_follows)),
    ("pronoun/some", lambda text: _facts(text, subject=_only("He", "She"))),
    ("pronoun/some", lambda text: _facts(text, subject=_only("He", "She", "They"))),
    ("pronoun/some", lambda text: _facts(text, subject=_only("He", "She", "It"))),
    ("pronoun/before", lambda text: _facts(text, subject=_pronoun_before)),
    ("pronoun/inside-words", lambda text: _facts(text, subject=_pronoun_replaced)),
    ("pronoun/inside-words", lambda text: _facts(text, subject=_pronoun_prefix)),
    ("pronoun/inside-words", lambda text: _facts(text, subject=_pronoun_prefix_word)),
    ("subject/some-letters", lambda text: _facts(text, subject=_ascii_only)),
]


def _only_pronouns(clause, known):
    return _subject(clause, known) if clause[:1].isupper() else (clause, known)


def _last_letter(text: str) -> list[Row]:
    rows = _facts(text)
    if rows and not text.endswith("."):
        rows[-1] = [rows[-1][0][:-1], rows[-1][1], rows[-1][2] - 1]
    return rows


def _complete(text: str) -> list[Row]:
    """Only sentences that a period ends."""
    closed = [(a, b) for a, b in _sentences(text) if text[b : b + 1] == "."]
    return [row for row in _facts(text) if any(a <= row[1] < b for a, b in closed)]


def _keeping(text: str, every: bool) -> list[Row]:
    rows = _facts(text)
    return [[f"{said}." if text[b : b + 1] == "." or every else said, a, b] for said, a, b in rows]


def _texts(value: object) -> object:
    """The facts of rows (fact, start, stop)."""
    return [row[0] for row in value] if _is_rows(value) else value


def _is_rows(value: object, length: int = 3) -> bool:
    return isinstance(value, list) and all(
        isinstance(row, list) and len(row) == length for row in value
    )


def _rows(value: object) -> object:
    """Rows (fact, start, stop), also where an answer gives (fact, (start, stop))."""
    value = numbers_out(value)
    if _is_rows(value, 2) and all(isinstance(row[1], list) for row in value):
        return [[row[0], *row[1]] for row in value]
    return value


def _not_rows(calls: list[dict], expected: str) -> Refusal | None:
    for call in calls:
        if call["outcome"] == "returned" and not _is_rows(_rows(call["value"])):
            slug = "result/none" if call["value"] is None else "result/not-rows"
            return Refusal(slug, expected, show(call["value"]))
    return None


def _split(inputs: Callable) -> Callable:
    """The texts of the facts: their spans are judged by a case of their own."""

    def judge(calls: list[dict], seed: int) -> Refusal | None:
        if refusal := _not_rows(calls, "a list of (fact, start, stop)"):
            return refusal
        parts = [c | {"value": _texts(_rows(c["value"]))} if "value" in c else c for c in calls]
        stripped = [_stripped(part) for part in parts]
        given = inputs(seed)
        named = [(slug, lambda t, f=f: _texts(f(t))) for slug, f in SPLITS]
        refusal = judged(parts, given, lambda t: _texts(_facts(t)), named, asked=repr)
        if refusal and refusal.slug == "value/wrong":
            if not judged(stripped, given, lambda t: _texts(_facts(t)), []):
                return Refusal("fact/keeps-space", refusal.expected, refusal.seen)
            return judged(stripped, given, lambda t: _texts(_facts(t)), named, asked=repr)
        return refusal

    return judge


def _stripped(call: dict) -> dict:
    value = call.get("value")
    if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
        return call
    return call | {"value": [x.strip() for x in value]}


plain = _split(probes.plain_sentences)
joined = _split(probes.joined_clauses)
subjects = _split(probes.other_subjects)


def spans(calls: list[dict], seed: int) -> Refusal | None:
    """The spans alone, where there are as many as facts."""
    given = probes.repeated_clauses(seed)
    if refusal := _not_rows(calls, "a list of (fact, start, stop)"):
        return refusal
    for call, (text,) in zip(calls, given, strict=True):
        right = [row[1:] for row in _facts(text)]
        told = f"{show(right)} for {text!r}"
        if call["outcome"] == "raised":
            return common.raised(call, told)
        seen = [row[1:] for row in _rows(call["value"])]
        whole = [list(span) for span in _sentences(text)]
        if seen == right or len(seen) == len(whole) != len(right):
            continue  # how many facts there are is judged by the other cases
        return Refusal(_span_slug(text, seen), told, show(seen))
    return None


def _span_slug(text: str, seen: list[list[int]]) -> str:
    rows = _facts(text)
    clauses = [text[a:b] for _, a, b in rows]
    sentences = [next(s for s in _sentences(text) if s[0] <= a < s[1]) for _, a, b in rows]

    def alike(*candidates: list) -> bool:
        return [list(x) for x in seen] in [[list(x) for x in c] for c in candidates]

    found = [text.find(clause) for clause in clauses]
    later = [text.find(c, s) for c, (s, _) in zip(clauses, sentences, strict=True)]
    if alike(*([(i, i + len(c)) for i, c in zip(x, clauses, strict=True)] for x in (found, later))):
        return "span/first-found"
    if alike(*([row[1:] for row in _facts(t)] for t in (text.strip(), " ".join(text.split())))):
        return "span/other-text"
    within = [(a - s, b - s) for (_, a, b), (s, _) in zip(rows, sentences, strict=True)]
    if alike(within):
        return "span/in-sentence"
    if alike(sentences, [(a, b + 1) for a, b in sentences]):
        return "span/sentence"
    if alike([(a, b - a) for _, a, b in rows]):
        return "span/length"
    if alike([(a, a + len(said)) for said, a, _ in rows]):
        return "span/of-the-fact"
    moved = [(x[0] - a, x[1] - b) for x, (_, a, b) in zip(seen, rows, strict=False)]
    if len(seen) == len(rows) and all(abs(x) <= 1 and abs(y) <= 1 for x, y in moved):
        return "span/inclusive"
    return "value/wrong"


# match_source


def _parts(chunk, ends=None, period: bool = True) -> list[Row]:
    """The sentences of a chunk with their spans in it."""
    rows = []
    for a, b in _sentences(chunk.content, ends):
        b += period and chunk.content[b : b + 1] == "."
        while chunk.content[a:b].rstrip() != chunk.content[a:b]:
            b -= 1
        rows.append((chunk.content[a:b], a, b))
    return rows


def _matched(
    fact,
    chunks,
    score,
    threshold,
    parts=_parts,
    pick=max,
    span=lambda chunk, row: (chunk.start + row[1], chunk.start + row[2]),
    below=lambda best, threshold: best < threshold,
    select=lambda chunks: chunks,
    value=lambda best: best,
):
    rows = [(chunk, row) for chunk in select(chunks) for row in parts(chunk)]
    if not rows:
        return None
    scores = score(fact, [row[0] for _, row in rows])
    best = pick(scores)
    if below(best, threshold):
        return None
    chunk, row = rows[list(scores).index(best)]
    return [chunk.file, *span(chunk, row), value(best)]


def _with(**changes) -> Callable:
    return lambda *given: _matched(*given, **changes)


def _whole(chunk):
    return [(chunk.content, 0, len(chunk.content))]


def _last_of_equal(fact, chunks, score, threshold):
    rows = [(chunk, row) for chunk in chunks for row in _parts(chunk)]
    scores = score(fact, [row[0] for _, row in rows])
    if not rows or max(scores) < threshold:
        return None
    i = max(range(len(rows)), key=lambda i: (scores[i], i))
    chunk, row = rows[i]
    return [chunk.file, chunk.start + row[1], chunk.start + row[2], scores[i]]


def _last_chunk(fact, chunks, score, threshold):
    found = None
    for chunk in chunks:
        found = _matched(fact, [chunk], score, threshold) or found
    return found


def _first_sentence(fact, chunks, score, threshold):
    for chunk in chunks:
        for row in _parts(chunk):
            (value,) = score(fact, [row[0]])
            if value >= threshold:
                return [chunk.file, chunk.start + row[1], chunk.start + row[2], value]
    return None


def _space_only(text, i):
    return i + 1 == len(text) or text[i + 1] == " "


def _closed(chunk):
    return [row for row in _parts(chunk) if row[0].endswith(".")]


def _on_a_line(chunk, flags, mark=r"\."):
    """Sentences by the hint's pattern, with other flags or marks."""
    found = re.finditer(rf"\S.*?(?:{mark}(?=\s|$)|$)", chunk.content, flags)
    return [(match[0], *match.span()) for match in found]


def _unended(chunk):
    return [(said.removesuffix("."), a, b) for said, a, b in _parts(chunk)]


def _one_apart(chunk):
    rows, start = [], 0
    for said, _, _ in _parts(chunk):
        rows.append((said, start, start + len(said)))
        start += len(said) + 1
    return rows


def _with_file(place: int) -> Callable:
    """The file of the first or the last chunk."""

    def of(fact, chunks, score, threshold):
        found = _matched(fact, chunks, score, threshold)
        return found and [chunks[place].file, *found[1:]]

    return of


def _reordered(*order: int) -> Callable:
    def of(*given):
        found = _matched(*given)
        return found and [found[i] for i in order]

    return of


def _shifted(by_start: int, by_stop: int) -> Callable:
    return _with(
        span=lambda chunk, row: (chunk.start + row[1] + by_start, chunk.start + row[2] + by_stop)
    )


def _added(place: Callable) -> Callable:
    """Where the rows are as long as sentences, but stand elsewhere."""
    return _with(span=lambda chunk, row: (place(chunk, row), place(chunk, row) + len(row[0])))


def _in_nearest_chunk(fact, chunks, score, threshold):
    scores = list(score(fact, [chunk.content for chunk in chunks]))
    nearest = chunks[scores.index(max(scores))]
    return _matched(fact, [nearest], score, threshold)


MATCHES = [
    ("match/farthest", _with(pick=min)),
    ("match/farthest", _with(pick=min, below=lambda best, threshold: False)),
    ("match/first-sentence", _first_sentence),
    ("match/first-chunk", _with(select=lambda chunks: chunks[:1])),
    ("match/nearest-chunk", _in_nearest_chunk),
    ("match/last-chunk", _with(select=lambda chunks: chunks[-1:])),
    ("match/last-chunk", _last_chunk),
    ("match/last-of-equal", _last_of_equal),
    *(("match/other-file", _with_file(place)) for place in (0, -1)),
    ("result/order", _reordered(3, 0, 1, 2)),
    ("result/order", _reordered(0, 3, 1, 2)),
    ("span/whole-chunk", _with(parts=_whole)),
    ("span/whole-chunk", _with(span=lambda chunk, row: (chunk.start, chunk.stop))),
    ("span/in-chunk", _with(span=lambda chunk, row: row[1:])),
    ("span/in-chunk", _with(span=lambda chunk, row: (chunk.start + row[1], row[2]))),
    ("span/one-apart", _with(parts=lambda chunk: _one_apart(chunk))),
    ("span/chunk-end", _with(span=lambda chunk, row: (chunk.start + row[1], chunk.stop))),
    (
        "span/first-found",
        _added(lambda chunk, row: chunk.start + chunk.content.find(row[0])),
    ),
    ("span/length", _with(span=lambda chunk, row: (chunk.start + row[1], len(row[0])))),
    ("span/inclusive", _shifted(0, -1)),
    ("span/inclusive", _shifted(0, 1)),
    ("span/inclusive", _shifted(-1, 0)),
    ("span/inclusive", _shifted(1, 0)),
    ("span/inclusive", _with(parts=lambda chunk: _parts(chunk, period=False))),
    ("sentence/every-period", _with(parts=lambda chunk: _parts(chunk, lambda t, i: True))),
    (
        "sentence/every-period",
        _with(parts=lambda chunk: _parts(chunk, lambda t, i: True, period=False)),
    ),
    ("sentence/line-break", _with(parts=lambda chunk: _parts(chunk, _space_only))),
    ("sentence/last-lost", _with(parts=_closed)),
    ("sentence/broken-line", _with(parts=lambda chunk: _on_a_line(chunk, re.MULTILINE))),
    ("sentence/broken-line", _with(parts=lambda chunk: _on_a_line(chunk, re.DOTALL | re.M))),
    ("sentence/broken-line", _with(parts=lambda chunk: _on_a_line(chunk, 0))),
    ("sentence/other-marks", _with(parts=lambda chunk: _on_a_line(chunk, re.DOTALL, "[.!?]"))),
    ("score/without-period", _with(parts=lambda chunk: _unended(chunk))),
    ("score/missing", _with(value=lambda best: 0.0)),
    ("score/missing", _with(value=lambda best: 1.0)),
    ("score/missing", _with(value=lambda best: 1 - best)),
    *(("score/missing", _with(value=lambda best, n=n: round(best, n))) for n in (1, 2, 3)),
    ("threshold/ignored", _with(below=lambda best, threshold: False)),
    ("threshold/strict", _with(below=lambda best, threshold: best <= threshold)),
    ("threshold/zero", _with(below=lambda best, threshold: best <= 0 or best < threshold)),
    ("threshold/zero", _with(below=lambda best, threshold: best < max(0, threshold))),
    ("threshold/zero", _with(below=lambda best, threshold: best == 0 or best < threshold)),
    ("threshold/nothing", lambda *given: None),
]


def _place(value: object) -> object:
    """(file, start, stop, score), the score in float64."""
    value = numbers_out(value)
    if isinstance(value, list) and len(value) == 4 and isinstance(value[3], int | float):
        return [*value[:3], torch.tensor(float(value[3]), dtype=torch.float64)]
    return value


def _match(inputs: Callable) -> Callable:
    def judge(calls: list[dict], seed: int) -> Refusal | None:
        if refusal := _not_a_place(calls):
            return refusal
        return judged(calls, inputs(seed), _matched, MATCHES, _place, _asked)

    return judge


def _not_a_place(calls: list[dict]) -> Refusal | None:
    for call in calls:
        value = _place(call.get("value"))
        if value is not None and not (isinstance(value, list) and len(value) == 4):
            return Refusal("result/not-rows", "(file, start, stop, score), or None", show(value))
    return None


def _asked(fact, chunks, score, threshold) -> str:
    return f"{fact!r} in {len(chunks)} chunks from character {chunks[0].start if chunks else 0}"


nearest = _match(probes.first_chunks)
later = _match(probes.later_chunks)


def threshold(calls: list[dict], seed: int) -> Refusal | None:
    """Whether there is a source, alone."""
    given = probes.at_the_threshold(seed)
    there = [
        c | {"value": numbers_out(c["value"]) is not None} if "value" in c else c for c in calls
    ]
    named = [(s, lambda *g, f=f: f(*g) is not None) for s, f in MATCHES if s.startswith("thres")]
    refusal = judged(there, given, lambda *g: _matched(*g) is not None, named, as_it_is, _reached)
    return refusal


def _reached(fact, chunks, score, threshold) -> str:
    best = max(score(fact, [row[0] for row in _parts(chunks[0])]))
    return f"a best score of {best:.3f} and a threshold of {threshold:.3f}"


def no_chunks(calls: list[dict], seed: int) -> Refusal | None:
    for call, what in zip(calls, ("chunks", "sentences"), strict=True):
        expected = f"None where there are no {what}"
        if call["outcome"] == "raised":
            refusal = common.raised(call, expected)
            slug = "empty/raises" if refusal.slug == "raises/error" else refusal.slug
            return Refusal(slug, expected, refusal.seen)
        if call["value"] is not None:
            return Refusal("threshold/ignored", expected, show(call["value"]))
    return None


# verify_and_cite


def _cited(facts, sources, verdicts, key=lambda s: s[:3], keep=lambda source, ok: ok, first=1):
    """Facts with numbers, and the spans of the references."""
    cited, spans, numbers = [], [], {}
    for fact, source, ok in zip(facts, sources, verdicts, strict=True):
        if source is not None and keep(source, ok):
            if key(source) not in numbers:
                numbers[key(source)] = len(numbers) + first
                spans.append(list(source[:3]))
            cited.append([fact, numbers[key(source)]])
    return [cited, spans]


def _one_each(facts, sources, verdicts):
    kept = [(f, s) for f, s, ok in zip(facts, sources, verdicts, strict=True) if ok and s]
    return [[[f, i] for i, (f, _) in enumerate(kept, 1)], [list(s[:3]) for _, s in kept]]


def _all_numbered(facts, sources, verdicts):
    """Every source gets its number, whether its fact is supported or not."""
    numbers: dict[tuple, int] = {}
    for source in filter(None, sources):
        numbers.setdefault(source[:3], len(numbers) + 1)
    rows = zip(facts, sources, verdicts, strict=True)
    cited = [[f, numbers[s[:3]]] for f, s, ok in rows if s and ok]
    return [cited, [list(span) for span in numbers]]


def _placed(first: int, shared: bool) -> Callable:
    """The number is the place of the fact in the list."""

    def of(facts, sources, verdicts):
        _, spans = (
            _cited(facts, sources, verdicts) if shared else _one_each(facts, sources, verdicts)
        )
        rows = enumerate(zip(facts, sources, verdicts, strict=True), start=first)
        return [[[f, i] for i, (f, s, ok) in rows if s and ok], spans]

    return of


def _sorted_references(facts, sources, verdicts):
    cited, spans = _cited(facts, sources, verdicts)
    return [cited, sorted(spans)]


def _with_gaps(facts, sources, verdicts):
    """A new reference has the number of facts cited so far, and one."""
    cited, spans = _cited(facts, sources, verdicts)
    first: dict[int, int] = {}
    rows = [[fact, first.setdefault(number, i)] for i, (fact, number) in enumerate(cited, 1)]
    return [rows, spans]


def _first_only(facts, sources, verdicts):
    cited, spans = _cited(facts, sources, verdicts)
    numbers = [number for _, number in cited]
    return [[row for i, row in enumerate(cited) if row[1] not in numbers[:i]], spans]


def _facts_once(facts, sources, verdicts):
    cited, spans = _cited(facts, sources, verdicts)
    return [[[fact, number] for fact, number in dict(cited).items()], spans]


def _grouped(facts, sources, verdicts):
    cited, spans = _cited(facts, sources, verdicts)
    return [sorted(cited, key=lambda row: row[1]), spans]


def _number_first(facts, sources, verdicts):
    cited, spans = _cited(facts, sources, verdicts)
    return [[[number, fact] for fact, number in cited], spans]


CITED = [
    ("numbers/gaps", _with_gaps),
    ("keeps/once", _facts_once),
    ("numbers/first-only", _first_only),
    ("result/not-rows", _number_first),
    ("numbers/from-zero", lambda *g: _cited(*g, first=0)),
    ("numbers/by-object", lambda *g: _cited(*g, key=lambda s: s)),
    ("numbers/not-shared", _one_each),
    ("numbers/by-text", lambda *g: _cited(*g, key=lambda s: s[3])),
    ("numbers/by-text", lambda *g: _cited(*g, key=lambda s: (s[0], s[3]))),
    ("numbers/by-file", lambda *g: _cited(*g, key=lambda s: s[0])),
    ("numbers/by-start", lambda *g: _cited(*g, key=lambda s: s[:2])),
    ("numbers/without-file", lambda *g: _cited(*g, key=lambda s: s[1:3])),
    ("numbers/of-the-list", _placed(1, True)),
    ("numbers/of-the-list", _placed(0, True)),
    ("numbers/of-the-list", _placed(1, False)),
    ("numbers/of-the-list", _placed(0, False)),
    ("references/of-refused", _all_numbered),
    ("references/order", _sorted_references),
    ("references/repeated", lambda *g: [_cited(*g)[0], _one_each(*g)[1]]),
    ("keeps/order", _grouped),
]


def _two_lists(value: object) -> object:
    """Facts with numbers, and the spans of references; None where it is anything else."""
    value = numbers_out(value)
    if not isinstance(value, list) or len(value) != 2:
        return None
    cited, references = value
    if not _is_rows(cited, 2) or not isinstance(references, list):
        return None
    if not all(isinstance(r, list) and len(r) >= 3 for r in references):
        return None
    return [cited, [row[:3] for row in references]]


def _judged_lists(calls: list[dict]) -> Refusal | None:
    for call in calls:
        if call["outcome"] != "returned":
            continue
        value = numbers_out(call["value"])
        if _two_lists(value) is None or any(len(source) == 3 for source in value[1]):
            slug = "result/none" if call["value"] is None else "result/not-rows"
            return Refusal(slug, "([(fact, number), …], [source, …])", show(call["value"]))
    return None


def kept(calls: list[dict], seed: int) -> Refusal | None:
    """Which facts are cited, then their numbers and references: no two have one source."""
    if refusal := _judged_lists(calls):
        return refusal
    for call, given in zip(calls, probes.distinct(seed), strict=True):
        facts, _, verdicts = given
        right = [fact for fact, _ in _cited(*given)[0]]
        told = f"{len(right)} of {len(facts)} facts: {show(right)}"
        if call["outcome"] == "raised":
            return common.raised(call, told)
        seen = [fact for fact, _ in _two_lists(call["value"])[0]]
        if seen != right:
            refused = [f for f, ok in zip(facts, verdicts, strict=True) if not ok]
            stopped = facts[: verdicts.index(False)]
            slugs = {
                "keeps/unsupported": seen == facts,
                "keeps/inverted": seen == refused,
                "keeps/stops": seen == stopped,
                "keeps/order": sorted(map(str, seen)) == sorted(right),
                "keeps/lost": set(map(str, seen)) < set(right),
            }
            slug = next((slug for slug, holds in slugs.items() if holds), "value/wrong")
            return Refusal(slug, told, show(seen))
    return judged(calls, probes.distinct(seed), _cited, CITED, _two_lists)


def numbered(calls: list[dict], seed: int) -> Refusal | None:
    """Numbers and references where facts share sources."""
    if refusal := _judged_lists(calls):
        return refusal
    given = probes.shared(seed)
    return judged(calls, given, _cited, CITED, _two_lists, lambda *_: "facts that share sources")


def sourceless(calls: list[dict], seed: int) -> Refusal | None:
    """Whether facts without a source are left out, alone."""
    expected = "no fact without a source"
    if refusal := _judged_lists(calls):
        return refusal
    for call, (facts, sources, _) in zip(calls, probes.sourceless(seed), strict=True):
        if call["outcome"] == "raised":
            refusal = common.raised(call, expected)
            slug = "sourceless/raises" if refusal.slug == "raises/error" else refusal.slug
            return Refusal(slug, expected, refusal.seen)
        without = {f for f, source in zip(facts, sources, strict=True) if source is None}
        if printed := [f for f, _ in _two_lists(call["value"])[0] if f in without]:
            return Refusal("sourceless/cited", expected, show(printed))
    return None


def asked(calls: list[dict], seed: int) -> Refusal | None:
    """What the verifier was asked, alone."""
    for call, (facts, sources, _) in zip(calls, probes.with_common_sources(seed), strict=True):
        pairs = list(zip(sources, facts, strict=True))
        right = [[source.text, fact] for source, fact in pairs if source is not None]
        sourceless = [fact for source, fact in pairs if source is None]
        told = f"{len(right)} questions, (source's text, fact): {show(right)}"
        if call["outcome"] == "raised":
            return common.raised(call, told)
        seen = call["asked"]
        if sorted(map(tuple, seen)) == sorted(map(tuple, right)):
            continue
        slug = "value/wrong"
        if seen and all([b, a] in right for a, b in seen):
            slug = "asked/swapped"
        elif any(fact in sourceless for _, fact in seen):
            slug = "asked/sourceless"
        elif any(pair not in right for pair in seen):
            slug = "asked/not-the-text"
        elif len(seen) > len({tuple(pair) for pair in seen}):
            slug = "asked/twice"
        elif len(seen) == len({text for text, _ in seen}) == len({text for text, _ in right}):
            slug = "asked/once-a-source"
        elif len(seen) < len(right):
            slug = "asked/not"
        return Refusal(slug, told, show(seen))
    return None
