"""The corpus: seeded, endless, in whole documents, and blind to what the card measures."""

import random
import re
from collections import Counter

import pytest

from course_utils.course_lm import corpus, evaluate, skills, words, world
from course_utils.course_lm.skills import SKILLS, held_out


@pytest.fixture(scope="module")
def tokenizer():
    return corpus.tokenizer()


def document_text(skill: str, rng: random.Random) -> str:
    return "".join(piece.text for piece in SKILLS[skill].document(rng, 1.0))


def test_shares_cover_every_skill():
    assert set(corpus.SHARES) == set(SKILLS)
    assert sum(corpus.SHARES.values()) == pytest.approx(1)


@pytest.mark.parametrize("skill", SKILLS)
def test_documents_and_items_are_seeded_and_varied(skill):
    first, again = (
        [document_text(skill, rng) for _ in range(30)]
        for rng in (random.Random(7), random.Random(7))
    )
    assert first == again
    assert len(set(first)) > 20
    items = [SKILLS[skill].item(random.Random(i)) for i in range(30)]
    assert items == [SKILLS[skill].item(random.Random(i)) for i in range(30)]
    assert len(set(items)) > 20


def test_batches_are_the_same_for_the_same_seed_and_index(tokenizer):
    first, again = (corpus.Corpus(tokenizer, 3).batch(5, 4, 0.5, 0.5) for _ in range(2))
    other = corpus.Corpus(tokenizer, 3).batch(6, 4, 0.5, 0.5)
    assert all((a == b).all() for a, b in zip(first, again, strict=False))
    assert (first[0] != other[0]).any()


def test_windows_hold_whole_documents_and_weigh_answers_most(tokenizer):
    ids, weights, documents = corpus.Corpus(tokenizer, 0).batch(0, 8)
    assert ids.shape == weights.shape == documents.shape == (8, corpus.WINDOW)
    assert set(weights.unique().tolist()) <= {0.0, 1.0, 2.0, 4.0, 6.0}
    assert (ids[:, -1] == tokenizer.eos_token_id).any()
    padded = (ids[:, 1:] == tokenizer.eos_token_id) & (ids[:, :-1] == tokenizer.eos_token_id)
    assert padded.float().mean() < 0.2
    assert (weights[:, 1:][padded] == 0).all()


def test_what_is_trained_on_does_occur(five_million_tokens):
    """So that the test of the held-out items can fail."""
    shared = [f for f in world.FACTS if world.held_out_phrasing(f) != 0][:100]
    texts = [
        f"{world.prompt(f, world.RELATIONS[f.relation].phrasings[0])} {f.answer}" for f in shared
    ]
    assert sum(text in five_million_tokens for text in texts) > 90


def test_answers_weigh_four_times_the_text(tokenizer):
    pieces = skills.answered("The capital of France is", "Paris", ".")
    tokens = corpus.Corpus(tokenizer, 0)._tokens(random.Random(1), pieces)
    by_text = {tokenizer.decode([token]): weight for token, weight in tokens}
    assert by_text[" Paris"] == skills.ANSWER
    assert by_text[" capital"] == skills.TEXT


def test_a_cut_is_tokenized_apart(tokenizer):
    pieces = [skills.Piece("import " + skills.CUT + "random\n")]
    tokens = corpus.Corpus(tokenizer, 0)._tokens(random.Random(0), pieces)
    prompt = tokenizer("import ")["input_ids"]
    assert [token for token, _ in tokens][: len(prompt)] == prompt


def test_what_notebooks_ask_for_is_one_token(tokenizer):
    answers = {fact.answer for fact in world.FACTS} | set(world.PLACES_WEATHER.values())
    values = {v for attribute in words.ATTRIBUTES.values() for v in attribute[0]}
    several = [w for w in sorted(answers | values) if len(tokenizer(" " + w)["input_ids"]) != 1]
    assert several == []
    assert len(tokenizer("12 + 23 = ")["input_ids"]) == 8


def test_a_name_is_its_syllables(tokenizer):
    rng = random.Random(2)
    names = [skills._name(rng, test=True) for _ in range(300)]
    tokens = [tokenizer.convert_ids_to_tokens(tokenizer(" " + n)["input_ids"]) for n in names]
    syllables = {"Ġ" + s for s in words.FIRST} | {*words.LAST}
    assert sum(len(t) == 2 and set(t) <= syllables for t in tokens) > 0.95 * len(names)


@pytest.mark.parametrize("row", evaluate.ROWS)
def test_at_least_two_hundred_items_are_held_out(row):
    assert len(evaluate.held_out_items(evaluate.ROWS[row], 200, seed=1)) == 200


def test_attributes_have_at_least_twenty_different_values():
    for values, statements, questions in words.ATTRIBUTES.values():
        assert len(set(values)) == len(values) >= 20
        assert len(statements) >= 2 and len(questions) >= 2


def test_sentiment_and_register_words_have_one_label():
    lists = [words.POSITIVE + words.POSITIVE_VERBS, words.NEGATIVE + words.NEGATIVE_VERBS]
    assert not set(lists[0]) & set(lists[1])
    registers = [{w for p in r.values() for w in p} for r in skills.REGISTERS.values()]
    shared = Counter(w for register in registers for w in register)
    assert max(shared.values()) == 1


def test_values_of_invented_people_are_equally_likely():
    rng, counts = random.Random(0), Counter()
    for _ in range(4000):
        for person in skills._people(rng, False, 2, 2):
            counts.update(s.value for s in person if s.attribute == "city")
    expected = sum(counts.values()) / len(counts)
    assert max(abs(c - expected) for c in counts.values()) < 6 * expected**0.5


@pytest.fixture(scope="module")
def five_million_tokens():
    """Generated training text, at least 5 million words and marks: more tokens than that."""
    return "\x01".join(corpus.generated_text(seed=11, tokens=5_000_000))


def test_no_item_occurs_in_five_million_generated_tokens(five_million_tokens, tokenizer):
    sample = five_million_tokens[:100_000]
    assert len(tokenizer(sample)["input_ids"]) > len(sample.split())
    leaks = []
    for skill, row in evaluate.ROWS.items():
        for item in evaluate.held_out_items(row, 200, seed=3):
            text = item.prompt + (" " + item.answer if skill in ONE_WORD else "")
            if text in five_million_tokens:
                leaks.append((skill, text))
    assert leaks == []


ONE_WORD = {"facts", "weather", "redefinition", "choice"}


def written(document, level):
    return "".join(p.text for i in range(80) for p in document(random.Random(i), level))


def test_a_verdict_has_its_evidence():
    claims = re.compile(r"Claim: (.+) yes or no\?\nSupported: (.+) (yes|no)\n")
    found = claims.findall(written(skills.verification_document, 1.0))
    assert len(found) > 100
    assert all((claim == said) == (verdict == "yes") for claim, said, verdict in found)
    assert all(claim.split()[:2] == said.split()[:2] for claim, said, _ in found)


def test_questions_are_answered_in_sentences():
    asked = re.compile(r"does (\w+) .*\nAnswer: (\w+) \w+ \w+\.\n")
    pairs = asked.findall(written(skills.reading_document, 1.0))
    assert len(pairs) > 100
    assert all(name == said for name, said in pairs)


def test_held_out_is_the_same_on_every_machine():
    assert [held_out(str(i)) for i in range(40)].count(True) == 3
    assert held_out("Balko") is held_out("Balko")
