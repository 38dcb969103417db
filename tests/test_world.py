"""The facts of the course's world: shape of the tables, and the rules the corpus relies on."""

import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from course_utils.course_lm.world import (
    FACTS,
    FAVORITES,
    PLACES_WEATHER,
    PYTHON_ALIASES,
    PYTHON_MODULES,
    RELATIONS,
    held_out_phrasing,
    prompt,
)

each_relation = pytest.mark.parametrize("relation", RELATIONS.values(), ids=RELATIONS.keys())

PHRASINGS = [phrasing for relation in RELATIONS.values() for phrasing in relation.phrasings]


def four_word_runs(phrasing: str) -> set[tuple[str, ...]]:
    """Every run of four words outside the subject, in lower case and without punctuation."""
    runs = set()
    for part in phrasing.split("{s}"):
        words = re.findall(r"\w+(?:[-']\w+)*", part.lower())
        runs |= {tuple(words[i : i + 4]) for i in range(len(words) - 3)}
    return runs


def test_there_are_enough_relations_and_facts():
    assert len(RELATIONS) >= 10
    assert len(FACTS) >= 800
    assert sum(len(relation.facts) for relation in RELATIONS.values()) == len(FACTS)


@each_relation
def test_a_name_has_one_answer_in_a_relation(relation):
    names = [name for fact in relation.facts for name in (fact.subject, *fact.aliases)]
    assert [name for name, count in Counter(names).items() if count > 1] == []


@each_relation
def test_facts_know_their_relation(relation):
    assert {fact.relation for fact in relation.facts} == {relation.name}
    assert RELATIONS[relation.name] is relation


@each_relation
def test_answers_are_single_words(relation):
    assert [f.answer for f in relation.facts if not re.fullmatch("[A-Za-z]+", f.answer)] == []


@each_relation
def test_answers_of_a_relation_are_written_one_way(relation):
    answers = {fact.answer for fact in relation.facts}
    assert len({answer.lower() for answer in answers}) == len(answers)


@each_relation
def test_no_answer_dominates_where_there_are_many(relation):
    counts = Counter(fact.answer for fact in relation.facts)
    if len(counts) > 4:
        assert max(counts.values()) <= len(relation.facts) / 4


def test_names_are_clean():
    names = [name for fact in FACTS for name in (fact.subject, *fact.aliases)]
    assert [name for name in names if name != " ".join(name.split()) or not name] == []
    assert [name for name in names if re.search(r"[{}=;]", name)] == []


@each_relation
def test_phrasings_end_just_before_the_answer(relation):
    assert len(relation.phrasings) >= 6
    for phrasing in relation.phrasings:
        assert phrasing.count("{s}") == 1
        assert not phrasing.endswith(("{s}", " "))
        assert phrasing[0].isupper() or phrasing.startswith("{s}")
    assert sum(not phrasing.startswith("{s}") for phrasing in relation.phrasings) >= 3


@each_relation
def test_phrasings_put_no_article_before_the_subject(relation):
    for phrasing in relation.phrasings:
        assert not re.search(r"\b(a|an|the) \{s\}", phrasing, re.IGNORECASE)


@each_relation
def test_phrasings_share_no_run_of_four_words(relation):
    runs = Counter(run for phrasing in relation.phrasings for run in four_word_runs(phrasing))
    assert [run for run, count in runs.items() if count > 1] == []


def test_shared_runs_would_be_seen():
    one = four_word_runs("{s} is located in the city of")
    assert one & four_word_runs("We know that {s}, located in the City, is") == {
        ("located", "in", "the", "city")
    }


def test_a_phrasing_belongs_to_one_relation():
    assert len(set(PHRASINGS)) == len(PHRASINGS)


@pytest.mark.parametrize(
    "phrasing",
    [
        "{s} is located in the city of",
        "{s} was developed by",
        "The capital of {s} is",
        "The mother tongue of {s} is",
        "{s} plays the sport of",
    ],
)
def test_classical_prompts_are_phrasings(phrasing):
    assert phrasing in PHRASINGS


@each_relation
def test_every_phrasing_is_held_out_for_some_fact(relation):
    held_out = Counter(held_out_phrasing(fact) for fact in relation.facts)
    assert set(held_out) == set(range(len(relation.phrasings)))
    assert max(held_out.values()) <= len(relation.facts) / 3


def test_favorites_are_never_held_out():
    seen = {(f.subject, RELATIONS[f.relation].phrasings[held_out_phrasing(f)]) for f in FACTS}
    assert not seen & FAVORITES
    assert FAVORITES >= {
        ("the Space Needle", "{s} is located in the city of"),
        ("iPhone", "{s} was developed by"),
        ("Windows", "{s} was developed by"),
        ("France", "The capital of {s} is"),
        ("Germany", "The capital of {s} is"),
        ("Japan", "The capital of {s} is"),
        ("Italy", "The capital of {s} is"),
    }


def test_the_split_is_the_same_in_every_process():
    program = (
        "from course_utils.course_lm.world import FACTS, held_out_phrasing\n"
        "print(*map(held_out_phrasing, FACTS))"
    )
    here = " ".join(str(held_out_phrasing(fact)) for fact in FACTS)
    for hash_seed in "12":
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", program]
        there = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        assert there.stdout.strip() == here


@pytest.mark.parametrize(
    ("subject", "phrasing", "text"),
    [
        ("the Space Needle", "{s} is located in", "The Space Needle is located in"),
        ("the Space Needle", "To see {s}, travel to", "To see the Space Needle, travel to"),
        ("iPhone", "{s} was developed by", "iPhone was developed by"),
        ("the iPhone", "{s} was developed by", "The iPhone was developed by"),
        ("macOS", "{s} was developed by", "macOS was developed by"),
        ("a cow", "{s} has a", "A cow has a"),
        ("sushi", "{s} is from", "Sushi is from"),
    ],
)
def test_prompt_writes_the_subject_as_a_sentence_needs_it(subject, phrasing, text):
    assert prompt(subject, phrasing) == text


def test_prompt_takes_a_fact():
    fact = RELATIONS["landmark_city"].facts[0]
    assert prompt(fact, "Where is {s}") == f"Where is {fact.subject}"


@pytest.mark.parametrize(
    ("relation", "name", "answer"),
    [
        ("landmark_city", "the Space Needle", "Seattle"),
        ("landmark_city", "Space Needle", "Seattle"),
        ("landmark_city", "the Eiffel Tower", "Paris"),
        ("landmark_city", "Eiffel Tower", "Paris"),
        ("landmark_city", "the Colosseum", "Rome"),
        ("landmark_city", "Big Ben", "London"),
        ("landmark_city", "the Brandenburg Gate", "Berlin"),
        ("landmark_city", "the Taj Mahal", "Agra"),
        ("landmark_city", "the Burj Khalifa", "Dubai"),
        ("landmark_city", "the Sagrada Familia", "Barcelona"),
        ("product_company", "iPhone", "Apple"),
        ("product_company", "IPhone", "Apple"),
        ("product_company", "iPad", "Apple"),
        ("product_company", "Windows", "Microsoft"),
        ("product_company", "Windows operating system", "Microsoft"),
        ("product_company", "PlayStation", "Sony"),
        ("product_company", "Photoshop", "Adobe"),
        ("product_company", "Android", "Google"),
        ("product_company", "Kindle", "Amazon"),
        ("product_company", "Game Boy", "Nintendo"),
        ("country_capital", "France", "Paris"),
        ("country_capital", "the United States", "Washington"),
        ("country_capital", "the USA", "Washington"),
        ("country_capital", "China", "Beijing"),
        ("country_capital", "Russia", "Moscow"),
        ("country_capital", "Australia", "Canberra"),
        ("country_capital", "Canada", "Ottawa"),
        ("country_language", "Brazil", "Portuguese"),
        ("country_continent", "Kenya", "Africa"),
        ("country_currency", "Japan", "yen"),
        ("musician_instrument", "Miles Davis", "trumpet"),
        ("thinker_field", "Albert Einstein", "physics"),
        ("athlete_sport", "Michael Jordan", "basketball"),
        ("book_author", "The Hobbit", "Tolkien"),
        ("animal_young", "a cow", "calf"),
        ("city_country", "Osaka", "Japan"),
        ("dish_country", "sushi", "Japan"),
        ("person_language", "Danielle Darrieux", "French"),
    ],
)
def test_famous_facts(relation, name, answer):
    found = {f.answer for f in RELATIONS[relation].facts if name in (f.subject, *f.aliases)}
    assert found == {answer}


def test_a_capital_lies_in_its_country():
    country = {fact.subject: fact.answer for fact in RELATIONS["city_country"].facts}
    capitals = RELATIONS["country_capital"].facts
    both = [fact for fact in capitals if fact.answer in country]
    assert len(both) >= 15
    assert [fact for fact in both if country[fact.answer] != fact.subject] == []


def test_weather_of_places():
    assert PLACES_WEATHER["California"] == "hot"
    assert len(PLACES_WEATHER) >= 55
    assert set(PLACES_WEATHER.values()) == set(
        "hot cold rainy sunny snowy windy humid mild dry foggy".split()
    )


def test_modules_are_importable_names():
    assert len(PYTHON_MODULES) == len(set(PYTHON_MODULES)) >= 55
    assert all(name.isidentifier() for name in PYTHON_MODULES)
    assert set(PYTHON_ALIASES) <= set(PYTHON_MODULES)
    assert PYTHON_ALIASES["numpy"] == "np"
    third_party = {name for name in PYTHON_MODULES if name not in sys.stdlib_module_names}
    assert third_party <= set(
        "numpy pandas torch matplotlib scipy sklearn seaborn tensorflow requests transformers "
        "pytest tqdm networkx sympy flask".split()
    )
