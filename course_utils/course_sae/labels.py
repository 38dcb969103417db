"""Texts of the course's world with what they are about, which no real model's data say."""

import random
from collections.abc import Mapping

from course_utils.course_lm import skills, words, world

KINDS = {
    "sentiment": {
        "positive": frozenset(words.POSITIVE + words.POSITIVE_VERBS),
        "negative": frozenset(words.NEGATIVE + words.NEGATIVE_VERBS),
    },
    "registers": {
        name: frozenset(word for part in parts.values() for word in part)
        for name, parts in skills.REGISTERS.items()
    },
    "topics": {name: frozenset(listed) for name, listed in words.TOPICS.items()},
}
"""For skills whose texts are of several kinds: the words of each kind."""
CONCEPTS = (*KINDS, "python", "weather", "arithmetic", "facts")
Labeled = tuple[str, str, str]  # a prompt, its label, its type


def kind_of(text: str, kinds: Mapping[str, frozenset[str]]) -> str:
    """The kind with most words in the text."""
    said = [word.strip('.,!?":;') for word in text.split()]
    return max(kinds, key=lambda kind: sum(word in kinds[kind] for word in said))


def labeled_texts(seed: int, each: int) -> list[tuple[set[str], str]]:
    """Documents with their concepts: the skill, and the kind where there are several; about
    `each` of a kind."""
    rng, found = random.Random(seed), []
    for skill in CONCEPTS:
        kinds = KINDS.get(skill, {})
        for _ in range(each * max(1, len(kinds))):
            text = "".join(piece.text for piece in skills.SKILLS[skill].document(rng, 1.0))
            text = text.replace(skills.CUT, "")
            found.append(({skill} | ({kind_of(text, kinds)} if kinds else set()), text))
    return found


def openings(skill: str, count: int) -> list[Labeled]:
    """Held-out openings of a skill, their label, and their last word."""
    rng = random.Random(0)
    drawn = (skills.SKILLS[skill].item(rng) for _ in range(count))
    return [(text, label, text.split()[-1]) for text, label in drawn]


def questions(relations: list[str], count: int, label: str) -> list[Labeled]:
    """Prompts that wait for the answer of a fact; the fact's `label`, "relation" or "answer"; and
    its subject."""
    known = [fact for name in relations for fact in world.RELATIONS[name].facts]
    asked = [(f, p) for f in known for p in world.RELATIONS[f.relation].phrasings]
    some = random.Random(0).sample(asked, min(count, len(asked)))
    return [(world.prompt(f, p), getattr(f, label), f.subject) for f, p in some]
