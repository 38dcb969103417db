"""People nobody knows: registers of invented persons whom course-lm has never met, questions about
them, and errors for a summary of what the registers say.

Names are held out of course-lm's training (`skills.held_out`); verbs and values are words it knows.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import NamedTuple

from course_utils.course_lm import words
from course_utils.course_lm.skills import held_out

from .chunk import chunks
from .rag import HybridSearch
from .store import Embedder, Store

PER_REGISTER = 8
CHUNK = 24  # tokens: one person's paragraph fits, two do not
NAME_WEIGHT = 0.3  # a name is rare: its words say more than in prose


class Statement(NamedTuple):
    """What a register says of a person: "Kelmar visits Paris"."""

    name: str
    attribute: str
    verb: str
    value: str

    def __str__(self) -> str:
        return f"{self.name} {self.verb} {self.value}"

    @property
    def question(self) -> str:
        """The question that it answers, in its own verb."""
        _, templates, questions = words.ATTRIBUTES[self.attribute]
        index = templates.index(f"{{n}} {self.verb} {{v}}")
        return questions[index].format(n=self.name)


def parsed(text: str) -> Statement | None:
    """The statement that a text makes, None where it makes none."""
    name, _, rest = text.partition(" ")
    for attribute, (_, templates, _) in words.ATTRIBUTES.items():
        for template in templates:
            verb = template.split()[1]
            if rest.startswith(f"{verb} "):
                return Statement(name, attribute, verb, rest.removeprefix(f"{verb} "))
    return None


def is_true(text: str, persons: list[list[Statement]]) -> bool:
    """Whether one of the persons' facts says so, in whichever verb of its kind."""
    said = parsed(text)
    facts = {(s.name, s.attribute, s.value) for person in persons for s in person}
    return said is not None and (said.name, said.attribute, said.value) in facts


class Claim(NamedTuple):
    """A sentence of a summary, and the kind of the error in it; "" where it is true."""

    text: str
    error: str


def people(count: int, seed: int, facts: int = 3) -> list[list[Statement]]:
    """For each of ``count`` persons what is true of them: so many facts, no two of one kind."""
    rng = random.Random(f"people {seed}")
    names: dict[str, None] = {}
    while len(names) < count:
        if held_out(name := rng.choice(words.FIRST) + rng.choice(words.LAST)):
            names[name] = None
    return [
        [_statement(rng, name, kind) for kind in rng.sample(list(words.ATTRIBUTES), facts)]
        for name in names
    ]


def _statement(rng: random.Random, name: str, attribute: str) -> Statement:
    values, templates, _ = words.ATTRIBUTES[attribute]
    verb = rng.choice(templates).split()[1]
    return Statement(name, attribute, verb, rng.choice(values))


def registers(persons: list[list[Statement]]) -> dict[str, str]:
    """Documents by file name: PER_REGISTER persons each, a paragraph a person."""
    files = {}
    for begin in range(0, len(persons), PER_REGISTER):
        paragraphs = [paragraph(p) for p in persons[begin : begin + PER_REGISTER]]
        files[f"register-{begin // PER_REGISTER + 1}.txt"] = "\n\n".join(paragraphs) + "\n"
    return files


def paragraph(statements: list[Statement]) -> str:
    return " ".join(f"{statement}." for statement in statements)


def searchable(
    persons: list[list[Statement]], embedder: Embedder
) -> tuple[dict[str, str], HybridSearch]:
    """The persons' registers, and a search in them: a chunk a person, names weigh more."""
    files = registers(persons)
    store = Store(":memory:", embedder)
    for file, text in files.items():
        store.add(chunks(text, file, embedder.tokenizer, CHUNK), progress=False)
    return files, HybridSearch(store, NAME_WEIGHT)


def summary(texts: list[str]) -> str:
    """Statements in prose, neighbors about one person in one sentence: "Kelmar visits Paris, plays
    lute and keeps dogs."."""
    sentences = []
    for name, group in itertools.groupby(texts, key=lambda text: text.partition(" ")[0]):
        clauses = [text.partition(" ")[2] for text in group]
        listed = " and ".join(filter(None, (", ".join(clauses[:-1]), clauses[-1])))
        sentences.append(f"{name} {listed}.")
    return " ".join(sentences)


def planted(
    told: list[list[str]], persons: list[list[Statement]], kinds: Sequence[str], seed: int
) -> list[Claim]:
    """Claims that were told about each person, every second true one with an error of some kind.

    One that was not true before has the error "its own"; what states nothing is left out.
    """
    rng = random.Random(f"planted {seed}")
    claims = []
    for text in itertools.chain.from_iterable(told):
        if (said := parsed(text)) is None:
            continue
        if not is_true(text, persons):
            claims.append(Claim(text, "its own"))
        elif rng.random() < 0.5:
            claims.append(with_error(rng.choice(kinds), said, persons, rng))
        else:
            claims.append(Claim(text, ""))
    return claims


def with_error(
    kind: str, said: Statement, persons: list[list[Statement]], rng: random.Random
) -> Claim:
    """The statement with an error of one of KINDS in it."""
    return Claim(str(KINDS[kind](said, persons, rng)), kind)


def _of_another(said: Statement, persons: list[list[Statement]], rng: random.Random) -> Statement:
    strangers = [p for p in persons if said.value not in {s.value for s in p}]
    return said._replace(name=rng.choice(strangers)[0].name)


def _of_nobody(said: Statement, persons: list[list[Statement]], rng: random.Random) -> Statement:
    first = next(
        said.name.removesuffix(last)
        for last in words.LAST
        if said.name.removesuffix(last) in words.FIRST
    )
    known = {p[0].name for p in persons}
    return said._replace(name=rng.choice([first + x for x in words.LAST if first + x not in known]))


def _other_value(said: Statement, persons: list[list[Statement]], rng: random.Random) -> Statement:
    values = words.ATTRIBUTES[said.attribute][0]
    return said._replace(value=rng.choice([value for value in values if value != said.value]))


def _from_nowhere(said: Statement, persons: list[list[Statement]], rng: random.Random) -> Statement:
    own = {s.attribute for p in persons if p[0].name == said.name for s in p}
    return _statement(rng, said.name, rng.choice([a for a in words.ATTRIBUTES if a not in own]))


def _denied(said: Statement, persons: list[list[Statement]], rng: random.Random) -> Statement:
    return said._replace(verb=f"never {said.verb}")


KINDS = {
    "name": _of_another,  # said of another person of the registers
    "value": _other_value,
    "nowhere": _from_nowhere,  # a kind of fact that the register does not tell of this person
    "syllable": _of_nobody,  # of a name that is one syllable off, which nobody has
    "denied": _denied,
}
TUNED, UNSEEN = tuple(KINDS)[:3], tuple(KINDS)[3:]
