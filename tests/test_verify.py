"""Reverse RAG: facts, sources, verdicts, references; and the planted errors."""

import random
import re

import pytest

from course_utils.course_lm.skills import held_out
from course_utils.models import load_lm
from course_utils.retrieval import people, verify
from course_utils.retrieval.store import Chunk
from course_utils.retrieval.verify import Source, match_source, split_facts, verify_and_cite


@pytest.mark.parametrize(
    "text, facts",
    [
        ("Kelmar visits Paris and keeps dogs.", ["Kelmar visits Paris", "Kelmar keeps dogs"]),
        ("Sandro eats nuts. He plays lute", ["Sandro eats nuts", "Sandro plays lute"]),
        (
            "Kelmar runs 2.5 miles, eats rice, and Ulko sings.\nThey dance.",
            ["Kelmar runs 2.5 miles", "Kelmar eats rice", "Ulko sings", "Ulko dance"],
        ),
        ("", []),
        (" \n ", []),
        ("no subject here", ["no subject here"]),
    ],
)
def test_facts_of_a_text(text, facts):
    found = split_facts(text)
    assert [fact.text for fact in found] == facts
    for fact in found:
        assert fact.text.endswith(text[fact.start : fact.stop].split(" ")[-1])


def shared(fact, sentences):
    words = set(re.findall(r"\w+", fact))
    return [len(words & set(re.findall(r"\w+", s))) / len(words) for s in sentences]


def test_a_source_is_a_span_of_the_document():
    text = "Ulko eats rice. Kelmar tours Rome.\n\nKelmar visits Paris. Ulko sings."
    chunks = [Chunk("a.txt", text[:34], "", 0, 34), Chunk("a.txt", text[36:], "", 36, len(text))]
    file, start, stop, score = match_source("Kelmar visits Paris", chunks, shared, 0.5)
    assert text[start:stop] == "Kelmar visits Paris."
    assert file == "a.txt" and score == 1
    assert match_source("Nobody knows", chunks, shared, 0.5) is None
    assert match_source("Kelmar visits Paris", [], shared, 0.5) is None


def test_references_are_numbered_as_they_are_needed():
    a, b = Source("a.txt", 3, 9, "one", 0.9), Source("a.txt", 12, 20, "two", 0.8)
    asked = []

    def supports(source, fact):
        asked.append((source, fact))
        return fact != "no"

    facts, sources = ["x", "no", "y", "z", "?"], [b, a, a, b._replace(score=0.1), None]
    assert verify_and_cite(facts, sources, supports) == ([("x", 1), ("y", 2), ("z", 1)], [b, a])
    assert asked == [("two", "x"), ("one", "no"), ("one", "y"), ("two", "z")]


def test_cosines_embed_a_text_once():
    class Counting:
        seen: list[str] = []

        def encode_document(self, inputs, batch_size, show_progress_bar):
            self.seen += inputs
            return [[1.0, len(text)] for text in inputs]

    score = verify.cosines(Counting())
    assert score("ab", ["ab", "abcd"])[0] == pytest.approx(1)
    assert len(score("ab", ["abcd", "abcdef"])) == 2
    assert sorted(Counting.seen) == ["ab", "abcd", "abcdef"]


PERSONS = people.people(16, seed=3)


def test_people_are_held_out_and_their_registers_say_what_is_true():
    names = [person[0].name for person in PERSONS]
    assert all(map(held_out, names)) and len(set(names)) == 16
    texts = people.registers(PERSONS)
    assert list(texts) == ["register-1.txt", "register-2.txt"]
    for person in PERSONS:
        assert sum(people.paragraph(person) in text for text in texts.values()) == 1
        for said in person:
            assert people.parsed(str(said)) == said and people.is_true(str(said), PERSONS)
            assert said.name in said.question


def test_a_summary_is_split_into_what_it_was_made_of():
    told = [str(said) for person in PERSONS[:3] for said in person]
    assert [fact.text for fact in split_facts(people.summary(told))] == told


@pytest.mark.parametrize("kind", people.KINDS)
def test_planted_errors_are_errors(kind):
    rng = random.Random(0)
    for person in PERSONS:
        claim = people.with_error(kind, person[0], PERSONS, rng)
        assert claim.error == kind and not people.is_true(claim.text, PERSONS)
        known = claim.text.split()[0] in {p[0].name for p in PERSONS}
        assert known == (kind != "syllable")


def test_the_second_pass_tells_a_wrong_value():
    model, tokenizer = load_lm()
    rng = random.Random(1)
    said = [person[0] for person in PERSONS]
    wrong = [people.with_error("value", s, PERSONS, rng).text for s in said]
    sources = [f"{s}." for s in said]
    for claims, least, most in (([str(s) for s in said], 15, 16), (wrong, 0, 1)):
        verdicts = verify.verdicts(model, tokenizer, list(zip(sources, claims, strict=True)))
        supported = [
            verify.is_supported(v, source, claim)
            for v, source, claim in zip(verdicts, sources, claims, strict=True)
        ]
        assert least <= sum(supported) <= most


@pytest.mark.parametrize(
    "evidence, source, quoted",
    [
        ("Kelmar visits Paris", "Kelmar tours Paris.", True),
        ("Ulko visits Paris", "Kelmar tours Paris.", False),
        ("Kelmar visits Rome", "Kelmar tours Paris.", False),
        ("", "Kelmar tours Paris.", False),
        ("Kelmar", "Kelmar tours Paris.", False),
    ],
)
def test_evidence_is_in_the_source(evidence, source, quoted):
    assert verify.is_quoted(evidence, source) == quoted
    assert verify.is_supported(verify.Verdict(evidence, True), source, evidence) == quoted
    assert not verify.is_supported(
        verify.Verdict(evidence, True), source, "Kelmar never visits Paris"
    )


def test_facts_that_course_lm_extracts():
    model, tokenizer = load_lm()
    texts = [people.paragraph(person[:2]) for person in PERSONS]
    extracted = verify.extract(model, tokenizer, texts)
    right = [people.is_true(line, PERSONS) for lines in extracted for line in lines]
    assert len(right) >= 24 and sum(right) / len(right) > 0.8


def test_every_second_true_claim_is_planted():
    told = [[str(said) for said in person] for person in PERSONS]
    told[0][0] = f"{PERSONS[0][0].name} visits Atlantis"
    told[1].append("states nothing")
    claims = people.planted(told, PERSONS, people.TUNED, seed=0)
    assert len(claims) == 48 and claims[0].error == "its own"
    errors = [claim.error for claim in claims[1:]]
    assert 10 < errors.count("") < 38 and set(errors) == {"", *people.TUNED}
    for claim in claims:
        assert people.is_true(claim.text, PERSONS) == (claim.error == "")


def test_the_best_threshold():
    assert verify.best_threshold([0.2, 0.65, 0.5, 0.9], [False, True, False, True]) == 0.51
    assert verify.best_threshold([0.2, 0.9], [True, True]) == 0
