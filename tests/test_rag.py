"""Search against formulas, measures against ir-measures, answers against `generate`."""

import math

import ir_measures
import numpy as np
import pytest
import torch
from ir_measures import RR, R, nDCG

from course_utils.models import load_lm
from course_utils.retrieval import people
from course_utils.retrieval.rag import (
    HybridSearch,
    answers,
    as_chat,
    build_prompt,
    ranking_metrics,
    retrieve,
    stream,
)
from course_utils.retrieval.store import Chunk, Store


class Letters:
    """An embedder that counts letters."""

    def encode_document(self, inputs, batch_size=1, show_progress_bar=False):
        return np.array([[1 + text.lower().count(c) for c in "aeiourst"] for text in inputs], float)

    def encode_query(self, inputs, show_progress_bar=False):
        return self.encode_document(inputs)


NOTES = ["Oaks grow slowly.", "Part BR-4417 lies on shelf 9.", "Part BR-4471 lies on shelf 2."]


@pytest.fixture
def store():
    with Store(":memory:", Letters()) as made:
        made.add([Chunk(f"{i}.txt", note) for i, note in enumerate(NOTES)], progress=False)
        yield made


@pytest.fixture(scope="module")
def lm():
    return load_lm()


def test_the_weighted_sum_by_hand():
    vectors = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0], [1.0, 0.0]])
    scores, rows = retrieve(torch.tensor([5.0, 0.0]), vectors, torch.tensor([0.0, 8, 0, 0]), 9, 0.4)
    assert rows.tolist() == [0, 3, 2, 1]
    assert scores.tolist() == pytest.approx([0.6, 0.6, 0.6 / math.sqrt(2), 0.4])
    scores, rows = retrieve(torch.tensor([0.0, 1.0]), vectors, torch.zeros(4), 1, 0.4)
    assert rows.tolist() == [1] and scores.item() == pytest.approx(0.6)


def test_a_part_number_is_found_by_its_words(store):
    assert HybridSearch(store, weight=0.5).search("shelf of BR-4471?", 1)[0].chunk.file == "2.txt"


def test_search_gives_what_there_is(store):
    assert len(HybridSearch(store).search("oaks", 99)) == len(NOTES)
    assert len(HybridSearch(store).search("the of and", 2)) == 2  # no word with content


def test_a_corpus_without_a_word_of_content_is_searched_by_meaning():
    with Store(":memory:", Letters()) as store:
        store.add([Chunk("a.txt", "the of and"), Chunk("b.txt", "?!")], progress=False)
        assert len(HybridSearch(store).search("oaks", 5)) == 2


def test_bad_input_is_refused(store):
    with pytest.raises(ValueError, match="query is empty"):
        HybridSearch(store).search(" \n")
    with pytest.raises(ValueError, match="k is 0"):
        HybridSearch(store).search("oaks", 0)
    with Store(":memory:", Letters()) as empty:
        with pytest.raises(ValueError, match="store is empty"):
            HybridSearch(empty)


def test_measures_are_those_of_ir_measures():
    generator = np.random.default_rng(0)
    found, gains = [], []
    for _ in range(40):
        items = generator.permutation(60).tolist()
        found.append(items[: generator.integers(0, 12)])
        wanted = generator.choice(60, generator.integers(1, 9), replace=False).tolist()
        gains.append({item: int(generator.integers(1, 5)) for item in wanted})
    run = {  # a query that finds nothing has to be there: an item that is not relevant
        str(q): {str(item): -float(rank) for rank, item in enumerate(row or [-1])}
        for q, row in enumerate(found)
    }
    qrels = {str(q): {str(i): g for i, g in row.items()} for q, row in enumerate(gains)}
    for k in (1, 3, 5, 10):
        theirs = ir_measures.calc_aggregate([R @ k, RR @ k, nDCG @ k], qrels, run)
        ours = ranking_metrics(found, gains, k)
        assert ours["recall"] == pytest.approx(theirs[R @ k], abs=1e-6)
        assert ours["mrr"] == pytest.approx(theirs[RR @ k], abs=1e-6)
        assert ours["ndcg"] == pytest.approx(theirs[nDCG @ k], abs=1e-6)


def test_measures_by_hand():
    ours = ranking_metrics([[4, 7, 9], [1]], [{7: 2, 3: 1}, {2: 1}], 3)
    got, best = 2 / math.log2(3), 2 + 1 / math.log2(3)
    assert ours == pytest.approx({"recall": 0.25, "mrr": 0.25, "ndcg": got / best / 2})
    with pytest.raises(ValueError, match="without a relevant item"):
        ranking_metrics([[1]], [{}], 3)


def test_a_prompt_within_its_budget():
    def count(text):
        return len(text.split())

    passages = ["one two\nthree", "a b c d e f g h", "four five"]
    assert build_prompt("Who?", passages, count, 100)[1] == [0, 1, 2]
    prompt, used = build_prompt("Who?", passages, count, 11)
    assert used == [0, 2]
    assert prompt == "Context:\n[1] one two three\n[2] four five\nQuestion: Who?\nAnswer:"
    assert build_prompt("Who?", passages, count, 3) == ("Question: Who?\nAnswer:", [])
    with pytest.raises(ValueError, match="takes 3 tokens of 2"):
        build_prompt("Who?", passages, count, 2)


def test_a_stream_is_the_greedy_answer(lm):
    model, tokenizer = lm
    persons = people.people(3, seed=4)
    passages = [people.paragraph(person) for person in persons]
    prompts = [
        build_prompt(person[0].question, passages, lambda text: len(text.split()), 500)[0]
        for person in persons
    ]
    written = answers(model, tokenizer, prompts, 14)
    for prompt, answer, person in zip(prompts, written, persons, strict=True):
        pieces = list(stream(model, tokenizer, prompt))
        assert len(pieces) > 3 and "".join(pieces).strip() == answer.text == f"{person[0]}."
        ids = tokenizer(prompt + "".join(pieces), return_tensors="pt")["input_ids"]
        length = len(tokenizer(prompt)["input_ids"])
        with torch.no_grad():
            logprobs = model(ids).logits[0, length - 1 : -1].log_softmax(-1)
        said = logprobs.gather(1, ids[0, length:, None]).sum().exp().item()
        assert answer.probability <= said + 1e-4 and answer.probability > 0.9 * said


def test_a_stream_stops_where_it_is_told(lm):
    model, tokenizer = lm
    assert len(list(stream(model, tokenizer, "The capital of France is", 3))) <= 3
    assert "".join(stream(model, tokenizer, "The capital of France is", 8, end=" ")) == ""


def test_a_prompt_for_a_tokenizer_with_and_without_a_chat_template(lm):
    _, tokenizer = lm
    assert as_chat(tokenizer, "Who?") == "Who?"

    class Chat:
        chat_template = "there is one"

        def apply_chat_template(self, messages, tokenize, add_generation_prompt):
            assert not tokenize and add_generation_prompt
            return f"<{messages[0]['role']}> {messages[0]['content']}"

    assert as_chat(Chat(), "Who?") == "<user> Who?"
