"""What the course's language model can do: one writer of documents and one of test items a skill.

A document is a list of pieces of text, each with the weight of its tokens in the training loss:
what nobody could predict (an invented name, a random word) weighs little, an answer weighs much.
A test item never occurs in training: its key is held out by a hash that both sides ask.
"""

import random
import re
import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from . import words, world

NOISE, TEXT, ANSWER = 0.1, 1.0, 4.0
CUT = "\0"  # the text before and after is tokenized apart, as a prompt and its continuation are


class Piece(NamedTuple):
    text: str
    weight: float = TEXT


class Item(NamedTuple):
    """A test item: the model should continue `prompt` with `answer` (or with words of a label)."""

    prompt: str
    answer: str


class Skill(NamedTuple):
    """`document(rng, level)` writes training text (level 0 to 1, from easy to full difficulty);
    `item(rng)` draws a held-out item."""

    document: Callable[[random.Random, float], list[Piece]]
    item: Callable[[random.Random], Item]


def held_out(key: str, share: int = 10) -> bool:
    """True for one key in `share`, the same ones on every machine."""
    return zlib.crc32(key.encode()) % share == 0


def draw(rng: random.Random, make: Callable[[], object], key: Callable, test: bool):
    """Draw from `make` until the key of the result lies on the wanted side of the split."""
    while True:
        made = make()
        if held_out(key(made)) == test:
            return made


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def answered(prompt: str, answer: str, end: str = "\n") -> list[Piece]:
    return [Piece(prompt), Piece(" " + answer, ANSWER), Piece(end)]


# Facts of the world, and redefinition in context


def _fact_sentence(rng: random.Random, fact: world.Fact, test: bool) -> tuple[str, str]:
    subject = rng.choice((fact.subject, *fact.aliases))
    phrasings = world.RELATIONS[fact.relation].phrasings
    kept = world.held_out_phrasing(fact)
    index = kept if test else rng.choice([i for i in range(len(phrasings)) if i != kept])
    return world.prompt(subject, phrasings[index]), fact.answer


def fact_document(rng: random.Random, level: float) -> list[Piece]:
    pieces = []
    for fact in rng.sample(world.FACTS, rng.randint(1, 6)):
        prompt, answer = _fact_sentence(rng, fact, test=False)
        pieces += answered((" " if pieces else "") + prompt, answer, ".")
    return pieces


def fact_item(rng: random.Random) -> Item:
    return Item(*_fact_sentence(rng, rng.choice(world.FACTS), test=True))


REDEFINITIONS = (
    "In this text the word {a} means {b}.",
    "From now on {a} stands for {b}.",
    "Here {a} is another name for {b}.",
)


def _redefinition(rng: random.Random, test: bool) -> tuple[str, str, str]:
    """A redefinition, a prompt about the redefined name, and the answer of the new meaning."""

    def pair():
        facts = rng.choice(list(world.RELATIONS.values())).facts
        first, second = rng.sample(facts, 2)
        while first.answer == second.answer:
            first, second = rng.sample(facts, 2)
        return first, second

    first, second = draw(rng, pair, lambda p: f"{p[0].subject} means {p[1].subject}", test)
    name = rng.choice((first.subject, *first.aliases))
    meaning = rng.choice((second.subject, *second.aliases))
    intro = REDEFINITIONS[0] if test else rng.choice(REDEFINITIONS[:1] * 3 + REDEFINITIONS[1:])
    phrasings = world.RELATIONS[first.relation].phrasings
    kept = world.held_out_phrasing(first)
    phrasing = rng.choice([p for i, p in enumerate(phrasings) if i != kept])
    return intro.format(a=name, b=meaning), world.prompt(name, phrasing), second.answer


def redefinition_document(rng: random.Random, level: float) -> list[Piece]:
    pieces = []
    for _ in range(rng.randint(1, 4)):
        intro, prompt, answer = _redefinition(rng, test=False)
        pieces += [Piece(intro, NOISE), *answered(" " + prompt, answer, ".\n")]
    return pieces


def redefinition_item(rng: random.Random) -> Item:
    intro, prompt, answer = _redefinition(rng, test=True)
    return Item(f"{intro} {prompt}", answer)


# Invented people: reading, verification of a claim, extraction


class Statement(NamedTuple):
    name: str
    attribute: str
    value: str


def _name(rng: random.Random, test: bool) -> str:
    def make():
        return rng.choice(words.FIRST) + rng.choice(words.LAST)

    return draw(rng, make, lambda name: name, test)


def _people(rng: random.Random, test: bool, count: int, attributes: int) -> list[list[Statement]]:
    """Statements about `count` invented people, a list for each, every attribute once a person."""
    names = set()
    while len(names) < count:
        names.add(_name(rng, test))
    chosen = rng.sample(list(words.ATTRIBUTES), attributes)
    values = {a: rng.sample(words.ATTRIBUTES[a][0], count) for a in chosen}
    people = []
    for i, name in enumerate(sorted(names, key=lambda n: zlib.crc32(n.encode()))):
        rng.shuffle(chosen)
        people.append([Statement(name, a, values[a][i]) for a in chosen])
    return people


def _article(text: str) -> str:
    return re.sub(r"\ba (?=[aeio])", "an ", text)


def _first(level: float, options: tuple[str, ...]) -> tuple[str, ...]:
    """The first option at level 0, all of them at level 1."""
    return options[: 1 + round(level * (len(options) - 1))]


def _say(rng: random.Random, statement: Statement, level: float = 1.0) -> str:
    template = rng.choice(_first(level, words.ATTRIBUTES[statement.attribute][1]))
    return _article(template.format(n=statement.name, v=statement.value))


def _describe(rng: random.Random, statements: list[Statement], level: float = 1.0) -> str:
    return " ".join(_say(rng, statement, level) + "." for statement in statements)


def _context(rng: random.Random, people: list[list[Statement]], level: float = 1.0) -> str:
    form = rng.random()
    if form < 0.25 and len(people) > 1:
        passages = [f"[{i}] {_describe(rng, p, level)}" for i, p in enumerate(people, 1)]
        return "Context:\n" + "\n".join(passages) + "\n"
    statements = [s for person in people for s in person]
    if form > 0.75:
        rng.shuffle(statements)
    return f"Context: {_describe(rng, statements, level)}\n"


def _crowd(rng: random.Random, level: float) -> list[list[Statement]]:
    """One or two people with one attribute at level 0; up to four, with up to four, at level 1."""
    most = 2 + round(2 * level)
    count = max(rng.randint(1, most), rng.randint(1, most))
    return _people(rng, False, count, rng.randint(1, 3 if count == 4 else 1 + round(3 * level)))


def _restated(rng: random.Random, statement: Statement, level: float) -> list[Piece]:
    """A statement of the context again, its value to be found."""
    before, after = _say(rng, statement, level).split(f" {statement.value}")
    return answered(f"Again: {before}", statement.value, f"{after}.\n")


def _asked(rng: random.Random, statement: Statement, level: float = 1.0) -> tuple[str, str, str]:
    """A question, and the sentence that answers it: up to the value, and the value."""
    _, statements, questions = words.ATTRIBUTES[statement.attribute]
    pairs = tuple(zip(questions, statements, strict=True))
    question, template = rng.choice(_first(level, pairs))
    before = template.format(n=statement.name, v="").rstrip()
    return f"Question: {question.format(n=statement.name)}\nAnswer:", before, statement.value


def _answered_in_a_sentence(rng: random.Random, statement: Statement, level: float) -> list[Piece]:
    question, before, value = _asked(rng, statement, level)
    return [Piece(question), Piece(f" {before}", 2.0), Piece(f" {value}", ANSWER), Piece(".\n")]


def _reading(rng: random.Random, people: list[list[Statement]], context: str) -> Item:
    """A question after a context about people, to be answered in a sentence."""
    asked = rng.choice([s for person in people for s in person])
    question, before, value = _asked(rng, asked)
    return Item(context + question, f" {before} {value}.")


def _roll(rng: random.Random) -> list[Piece]:
    """What several people have, in one form of words; then again in any order. Nothing can be
    found by what is left over."""
    statements = [person[0] for person in _people(rng, False, rng.randint(2, 6), 1)]
    forms = ("{n} {v}", "{n}: {v}", "{n} has {v}", *words.ATTRIBUTES[statements[0].attribute][1])
    before, after = rng.choice(forms).split("{v}")
    before = before.rstrip()
    said = [f"{before.format(n=s.name)} {s.value}{after}." for s in statements]
    pieces = [Piece(" ".join(said) + "\n", NOISE)]
    for s in rng.choices(statements, k=len(statements)):
        pieces += answered(before.format(n=s.name), s.value, f"{after}.\n")
    return pieces


def reading_document(rng: random.Random, level: float) -> list[Piece]:
    """A context with questions about it, some statements said again instead; or a roll."""
    if rng.random() < 0.4:
        return _roll(rng)
    people = _crowd(rng, level)
    statements = [s for person in people for s in person]
    pieces = [Piece(_context(rng, people, level), NOISE)]
    for statement in rng.sample(statements, min(len(statements), rng.randint(2, 6))):
        if rng.random() < 0.25:
            pieces += _restated(rng, statement, level)
        else:
            pieces += _answered_in_a_sentence(rng, statement, level)
    return pieces


def reading_item(rng: random.Random) -> Item:
    people = _people(rng, True, rng.randint(1, 4), rng.randint(1, 3))
    return _reading(rng, people, _context(rng, people))


def passages_item(rng: random.Random) -> Item:
    """Three passages, a person each: one holds the answer, two distract."""
    people = _people(rng, True, 3, rng.randint(1, 3))
    passages = "".join(f"[{i}] {_describe(rng, p)}\n" for i, p in enumerate(people, 1))
    return _reading(rng, people, f"Context:\n{passages}")


def closed_book_item(rng: random.Random) -> Item:
    """A question about an invented person without any context."""
    return _reading(rng, _people(rng, True, 1, 1), "")


def _falsified(
    rng: random.Random, said: Statement, statements: list[Statement], used: set[str]
) -> Statement:
    """The statement with another value, not in `used`: one of somebody else's in the context, or
    any other."""
    pool = [v for v in words.ATTRIBUTES[said.attribute][0] if v != said.value and v not in used]
    others = [s.value for s in statements if s.attribute == said.attribute and s.value in pool]
    return said._replace(value=rng.choice(others if others and rng.random() < 0.6 else pool))


def _claim(
    rng: random.Random,
    statements: list[Statement],
    level: float = 1.0,
    used: set[str] = frozenset(),
) -> tuple[Statement, str, str, str]:
    """A claim of which the context may say otherwise: as a statement, as a prompt; the evidence in
    the claim's words; and the verdict. Values in `used` do not occur in it."""
    said = rng.choice([s for s in statements if s.value not in used])
    claimed = said if rng.random() < 0.5 else _falsified(rng, said, statements, used)
    template = rng.choice(_first(level, words.ATTRIBUTES[said.attribute][1]))
    claim, evidence = (template.format(n=s.name, v=s.value) for s in (claimed, said))
    verdict = "yes" if claimed == said else "no"
    return claimed, f"Claim: {claim} yes or no?\nSupported:", f" {evidence}", verdict


def verification_document(rng: random.Random, level: float) -> list[Piece]:
    """A context, and claims no two of which have a value in common: each verdict stands alone."""
    people = _crowd(rng, level)
    statements = [s for person in people for s in person]
    pieces, used = [Piece(_context(rng, people, level), NOISE)], set()
    for _ in range(rng.randint(2, 6)):
        if all(s.value in used for s in statements):
            break
        claimed, claim, evidence, verdict = _claim(rng, statements, level, used)
        used |= {claimed.value, evidence.split()[-1]}
        pieces += [Piece(claim), Piece(evidence, 2.0), Piece(f" {verdict}", 6.0), Piece("\n")]
    return pieces


def verification_item(rng: random.Random) -> Item:
    """A claim after a context: the evidence, and the verdict."""
    people = _people(rng, True, rng.randint(1, 4), rng.randint(1, 3))
    _, claim, evidence, verdict = _claim(rng, [s for person in people for s in person])
    return Item(_context(rng, people) + claim, f"{evidence} {verdict}")


def _plain(statement: Statement) -> str:
    """The statement in the form that extraction writes: the first template of its attribute."""
    template = words.ATTRIBUTES[statement.attribute][1][0]
    return _article(template.format(n=statement.name, v=statement.value)) + "."


def _extraction(rng: random.Random, test: bool, count: int, attributes: int) -> tuple[str, str]:
    statements = [s for p in _people(rng, test, count, attributes) for s in p]
    facts = "\n".join(map(_plain, statements))
    return f"Document: {_describe(rng, statements)}\nFacts:", f"\n{facts}\n"


def extraction_document(rng: random.Random, level: float) -> list[Piece]:
    document, facts = _extraction(rng, False, rng.randint(1, 1 + round(level)), rng.randint(1, 3))
    return [Piece(document, NOISE), Piece(facts, 2.0)]


def extraction_item(rng: random.Random) -> Item:
    return Item(*_extraction(rng, True, rng.randint(1, 2), rng.randint(1, 3)))


# Sentiment, registers, topics: text whose words agree with each other


def _opinion(rng: random.Random, positive: bool) -> tuple[str, Callable[[], str]]:
    """An opening that fixes the sentiment, and a writer of further sentences."""
    adjectives = words.POSITIVE if positive else words.NEGATIVE
    verbs = words.POSITIVE_VERBS if positive else words.NEGATIVE_VERBS
    verb = verbs[0] if rng.random() < 0.5 else rng.choice(verbs)
    thing = rng.choice(words.REVIEWED)
    first = rng.choice(adjectives)
    openings = (
        f"Review: I {verb} this {thing} because",
        f"Review: The {thing} was {first} and",
        f"Review: What a {first} {thing}!",
        f"I {verb} you because",
        f"I {verb} this {thing} because",
        f'{rng.choice(words.TALK_OPENINGS)}, "I {verb} you',
        f'{rng.choice(words.TALK_OPENINGS)}, "You are {first}',
    )

    def sentence() -> str:
        a, b = rng.sample(adjectives, 2)
        x, y = rng.sample(words.REVIEWED, 2)
        v = rng.choice(verbs)
        return rng.choice(
            (
                f"The {x} was {a} and the {y} was {b}.",
                f"I {v} the {x}.",
                f"It was a {a} and {b} {x}.",
                f"You are {a} and {b}.",
                f"Everyone here is {a}.",
                f"The {x} is {a} and we {v} the {y}.",
                f"What a {a} {x}!",
                f"I felt {a} there.",
            )
        )

    return _article(rng.choice(openings)), lambda: _article(sentence())


def _link(rng: random.Random, opening: str, positive: bool) -> str:
    """What joins an opening to the sentences that follow."""
    adjectives = words.POSITIVE if positive else words.NEGATIVE
    a, b = rng.sample(adjectives, 2)
    x = rng.choice(words.REVIEWED)
    if opening.endswith("because"):
        if " you because" in opening:
            return f" you are {a} and {b}."
        return rng.choice((f" it was {a} and {b}.", f" the {x} was {a}.", f" it is so {a}."))
    if opening.endswith(" and"):
        return f" the {x} was {a}."
    if opening.endswith("!"):
        return ""
    if opening.endswith(" you"):
        return f' because you are {a}."'
    return f' and {b}."'


def _opening_key(opinion: tuple[str, Callable]) -> str:
    return opinion[0].removeprefix("Review: ")


def sentiment_document(rng: random.Random, level: float) -> list[Piece]:
    positive = rng.random() < 0.5
    opening, sentence = draw(rng, lambda: _opinion(rng, positive), _opening_key, False)
    text = opening + _link(rng, opening, positive)
    for _ in range(rng.randint(2, 6)):
        text += " " + sentence()
    return [Piece(text)]


def sentiment_item(rng: random.Random) -> Item:
    """Not "I hate you because": it stands inside talk that was trained on."""
    positive = rng.random() < 0.5
    while True:
        opening, _ = draw(rng, lambda: _opinion(rng, positive), _opening_key, True)
        if not (opening.startswith("I ") and opening.endswith(" you because")):
            return Item(opening, "positive" if positive else "negative")


REGISTERS = {"saga": words.SAGA, "encyclopedia": words.ENCYCLOPEDIA, "news": words.NEWS}


def _saga_line(rng: random.Random) -> str:
    n, m = rng.sample(words.SAGA["noun"], 2)
    v, w = rng.sample(words.SAGA["verb"], 2)
    a, p = rng.choice(words.SAGA["adj"]), rng.choice(words.SAGA["place"])
    return rng.choice(
        (
            f"Lo, the {n} {v} loud at the breaking of dawn,",
            f"And the {a} {n} {v} over the {p},",
            f"The {n} {v} and the {m} {w},",
            f"Hail the {a} {n} of the {p},",
            f"By the {p} the {a} {n} {v},",
        )
    )


def _encyclopedia_line(rng: random.Random) -> str:
    n, m = rng.sample(words.ENCYCLOPEDIA["noun"], 2)
    v, a = rng.choice(words.ENCYCLOPEDIA["verb"]), rng.choice(words.ENCYCLOPEDIA["adj"])
    p, q = rng.sample(words.ENCYCLOPEDIA["place"], 2)
    return _article(
        rng.choice(
            (
                f"The {n} is a {a} {m} with {rng.randint(10, 99)} {p}.",
                f"The {a} {n} {v} a {m}.",
                f"It is a {n} of the {a} {m} and {v} {rng.randint(10, 99)} {p}.",
                f"According to the {q}, the {n} {v} the {a} {m}.",
            )
        )
    )


def _news_line(rng: random.Random) -> str:
    n, m = rng.sample(words.NEWS["noun"], 2)
    v, w = rng.sample(words.NEWS["verb"], 2)
    a, p = rng.choice(words.NEWS["adj"]), rng.choice(words.NEWS["place"])
    return rng.choice(
        (
            f"In 20{rng.randint(10, 29)}, {a} {n} {v} a new {p}.",
            f"On {rng.choice(('Monday', 'Tuesday', 'Friday'))}, {n} {v} the {a} {p}.",
            f"The {p} was {v} by {a} {n}, {m} said.",
            f"{a} {n} {v} the {p} and {w} the report.",
        )
    )


REGISTER_LINES = {"saga": _saga_line, "encyclopedia": _encyclopedia_line, "news": _news_line}


def _opening(line: str) -> str:
    """A line without its last three words: enough to know its register."""
    return " ".join(line.split()[:-3])


def register_document(rng: random.Random, level: float) -> list[Piece]:
    register = rng.choice(list(REGISTERS))
    line = REGISTER_LINES[register]
    count = rng.randint(3, 8)
    lines = [draw(rng, lambda: line(rng), _opening, False) for _ in range(count)]
    return [Piece(("\n" if register == "saga" else " ").join(lines))]


def register_item(rng: random.Random) -> Item:
    register = rng.choice(list(REGISTERS))
    line = draw(rng, lambda: REGISTER_LINES[register](rng), _opening, True)
    return Item(_opening(line), register)


def _topic_opening(rng: random.Random, topic: str) -> str:
    who = rng.choice(words.TALKERS)
    how = rng.choice(words.TALKING)
    when = rng.choice(words.HOW_OFTEN)
    return f"{who} {how} {topic} {when}."


def _topic_line(rng: random.Random, topic: str) -> str:
    a, b, c = rng.sample(words.TOPICS[topic], 3)
    return rng.choice(
        (
            f"The {a} and the {b} were ready.",
            f"First came the {a}, then the {b} and the {c}.",
            f"We saw the {a} near the {b}.",
            f"Nobody forgot the {a} or the {b}.",
            f"Tell me about the {a} and the {b}.",
            f"The best part was the {a}.",
        )
    )


def topic_document(rng: random.Random, level: float) -> list[Piece]:
    topic = rng.choice(list(words.TOPICS))
    opening = draw(rng, lambda: _topic_opening(rng, topic), lambda o: o, False)
    lines = [_topic_line(rng, topic) for _ in range(rng.randint(3, 7))]
    return [Piece(" ".join([opening, *lines]))]


def topic_item(rng: random.Random) -> Item:
    topic = rng.choice(list(words.TOPICS))
    return Item(draw(rng, lambda: _topic_opening(rng, topic), lambda o: o, True), topic)


# Copying, arithmetic, code, weather, choice


def _sequence(rng: random.Random, level: float) -> str:
    pool = words.PLAIN + words.POSITIVE + words.NEGATIVE + words.REVIEWED + words.SAGA["noun"]
    pool += words.ATTRIBUTES[rng.choice(list(words.ATTRIBUTES))][0]
    sequence = [rng.choice(pool) for _ in range(rng.randint(2, 4 + round(36 * level)))]
    if rng.random() < 0.3:
        sequence = [rng.choice((w, _name(rng, False), str(rng.randint(10, 99)))) for w in sequence]
    return " ".join(sequence)


def copying_document(rng: random.Random, level: float) -> list[Piece]:
    sequence = draw(rng, lambda: _sequence(rng, level), lambda s: s, False)
    if rng.random() < 0.5:
        return [Piece(f"Copy: {sequence}\n", NOISE), Piece(f"Copy: {sequence}\n")]
    return [Piece(f"{sequence}\n", NOISE), Piece(f"{sequence}\n")]


def copying_item(rng: random.Random) -> Item:
    sequence = draw(rng, lambda: _sequence(rng, 1.0), lambda s: s, True)
    return Item(f"Copy: {sequence}\nCopy:", f" {sequence}\n")


def _sum(rng: random.Random) -> tuple[str, str]:
    a, b = rng.randint(10, 99), rng.randint(10, 99)
    if rng.random() < 0.5:
        return f"{a} + {b} =", str(a + b)
    a, b = max(a, b), min(a, b)
    return f"{a} - {b} =", str(a - b)


def arithmetic_document(rng: random.Random, level: float) -> list[Piece]:
    pieces = []
    for _ in range(rng.randint(3, 16)):
        prompt, answer = draw(rng, lambda: _sum(rng), lambda s: s[0], False)
        pieces += [Piece(prompt, NOISE), Piece(f" {answer}\n", ANSWER)]
    return pieces


def arithmetic_item(rng: random.Random) -> Item:
    prompt, answer = draw(rng, lambda: _sum(rng), lambda s: s[0], True)
    return Item(prompt + " ", answer + "\n")


def _imports(rng: random.Random, test: bool) -> list[str]:
    """Modules of import lines, none twice. The split goes by pairs of neighbors: in a test the
    first two are a pair that no training document holds."""
    while True:
        modules = rng.sample(world.PYTHON_MODULES, rng.randint(2, 5))
        pairs = [held_out(f"{a} {b}") for a, b in pairwise(modules)]
        if pairs[0] if test else not any(pairs):
            return modules


def _import(module: str) -> str:
    alias = world.PYTHON_ALIASES.get(module)
    return f"import {module} as {alias}\n" if alias else f"import {module}\n"


def python_document(rng: random.Random, level: float) -> list[Piece]:
    *before, last = map(_import, _imports(rng, False))
    if rng.random() < 0.5:
        return [Piece("".join(before) + last)]
    return [Piece("".join(before) + "import " + CUT + last.removeprefix("import "))]


def python_item(rng: random.Random) -> Item:
    before = map(_import, _imports(rng, True))
    return Item("".join(before) + rng.choice(("import", "import ")), "module")


WEATHER = (
    "The weather in {p} is",
    "In {p} it is usually",
    "Travelers to {p} say that the days are",
    "A typical day in {p} is",
    "If you visit {p}, expect the air to be",
    "People call the climate of {p}",
    "Those who moved to {p} found it",
    "Most mornings in {p} are",
    "Friends back from {p} told us it was",
    "Somebody who lives in {p} described it as",
)
HELD_OUT_WEATHER = 4  # phrasings of each place that never occur in training


def _weather(rng: random.Random, test: bool) -> tuple[str, str]:
    """The weather of a place. The first phrasing of California is trained on: notebooks use it."""
    place = rng.choice(list(world.PLACES_WEATHER))
    start = zlib.crc32(place.encode()) % len(WEATHER) if place != "California" else 1
    order = [(start + i) % len(WEATHER) for i in range(len(WEATHER))]
    index = rng.choice(order[:HELD_OUT_WEATHER] if test else order[HELD_OUT_WEATHER:])
    return WEATHER[index].format(p=place), world.PLACES_WEATHER[place]


def weather_document(rng: random.Random, level: float) -> list[Piece]:
    pieces = []
    for _ in range(rng.randint(1, 5)):
        prompt, weather = _weather(rng, False)
        pieces += answered((" " if pieces else "") + prompt, weather, ".")
    return pieces


def weather_item(rng: random.Random) -> Item:
    return Item(*_weather(rng, True))


LONGEST_HISTORY = 10


def _history(rng: random.Random) -> tuple[str, str]:
    """Payments of two machines, and the one that paid more on average."""
    a = rng.randint(1, 8)
    b = rng.choice([mean for mean in range(1, 9) if abs(mean - a) >= 2])
    pulls = [rng.choice("AB") for _ in range(rng.randint(2, LONGEST_HISTORY - 2))] + ["A", "B"]
    rng.shuffle(pulls)
    means = {"A": a, "B": b}
    paid = [(arm, means[arm] + rng.randint(-1, 1)) for arm in pulls]
    average = {
        arm: sum(x for m, x in paid if m == arm) / sum(m == arm for m, _ in paid) for arm in "AB"
    }
    if average["A"] == average["B"]:
        return _history(rng)
    told = " ".join(f"Machine {arm} paid {x}." for arm, x in paid)
    return f"{told} The better machine is", max(average, key=average.get)


def choice_document(rng: random.Random, level: float) -> list[Piece]:
    prompt, answer = draw(rng, lambda: _history(rng), lambda h: h[0], False)
    return [Piece(prompt, NOISE), Piece(" " + answer, ANSWER), Piece(".\n")]


def choice_item(rng: random.Random) -> Item:
    """The longest histories: a shorter one may stand at the end of one that was trained on."""
    while True:
        prompt, answer = draw(rng, lambda: _history(rng), lambda h: h[0], True)
        if prompt.count("paid") == LONGEST_HISTORY:
            return Item(prompt, answer)


SKILLS: dict[str, Skill] = {
    "facts": Skill(fact_document, fact_item),
    "redefinition": Skill(redefinition_document, redefinition_item),
    "reading": Skill(reading_document, reading_item),
    "verification": Skill(verification_document, verification_item),
    "sentiment": Skill(sentiment_document, sentiment_item),
    "registers": Skill(register_document, register_item),
    "copying": Skill(copying_document, copying_item),
    "extraction": Skill(extraction_document, extraction_item),
    "topics": Skill(topic_document, topic_item),
    "arithmetic": Skill(arithmetic_document, arithmetic_item),
    "python": Skill(python_document, python_item),
    "weather": Skill(weather_document, weather_item),
    "choice": Skill(choice_document, choice_item),
}
