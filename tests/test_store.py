"""The vector store: what it finds, keeps, refuses, and holds after a kill."""

import os
import random
import signal
import sqlite3
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tqdm.auto import tqdm

from course_utils.retrieval.store import Chunk, Store, approximate_index

WIDTH = 24
KILLS = int(os.environ.get("STORE_KILLS", 20))


class Words:
    """Embeds a text as the sum of random vectors, one for each word, and a picture by its color."""

    def __init__(self, seed: int = 0, width: int = WIDTH):
        self.seed, self.width, self.embedded = seed, width, []

    def encode_document(self, inputs, batch_size=16, show_progress_bar=False):
        self.embedded += inputs
        return np.stack([self._vector(x) for x in inputs])

    def encode_query(self, inputs, show_progress_bar=False):
        return np.stack([self._vector(x) for x in inputs])

    def _vector(self, x):
        words = x.split() if isinstance(x, str) else [str(x.getpixel((0, 0)))]
        return sum(self._word(word.lower()) for word in words)

    def _word(self, word):
        if word == "nan":
            return np.full(self.width, np.nan)
        seed = zlib.crc32(word.encode()) + self.seed
        return 3 * np.random.default_rng(seed).normal(size=self.width)


TEXTS = {
    "food.md": ["soup with leeks", "bread and butter", "cold soup"],
    "tools.md": ["a hammer", "a saw and a hammer"],
}


def chunks(texts=TEXTS):
    return [Chunk(file, text, "head") for file, parts in texts.items() for text in parts]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(path):
    with Store(path, Words()) as store:
        store.add(chunks(), progress=False)
        yield store


def contents(hits):
    return [hit.chunk.content for hit in hits]


# What it finds


def test_hits_are_in_the_order_of_their_cosines(store):
    query = Words().encode_query(["a saw"])[0]
    rows = Words().encode_query([text for parts in TEXTS.values() for text in parts])
    cosines = rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query)
    for given in ("a saw", query.tolist(), torch.tensor(query), 7 * query):
        hits = store.search(given, 5)
        assert [hit.score for hit in hits] == pytest.approx(sorted(cosines, reverse=True), abs=1e-5)
        assert contents(hits)[0] == "a saw and a hammer"


def test_a_chunk_comes_back_whole(path):
    chunk = Chunk("a.md", "one two", "Heading", 3, 10)
    with Store(path, Words()) as store:
        store.add([chunk])
        (hit,) = store.search("two")
        assert hit.chunk == chunk and store.chunks("a.md") == [chunk]


def test_k_larger_than_the_store_gives_all(store):
    assert len(store.search("soup", 100)) == len(store) == 5


def test_an_empty_store_finds_nothing(path):
    with Store(path, Words()) as store:
        assert store.search("soup") == [] and len(store) == 0 and store.files == []


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_an_index_finds_what_exact_search_finds_and_outlives_a_reopening(store, path, kind):
    store.build_index(kind)
    with Store(path, Words()) as again:
        found, exact = again.search("cold soup", 3, index=kind), again.search("cold soup", 3)
        assert contents(found)[0] == contents(exact)[0] == "cold soup"
        assert found[0].score == pytest.approx(exact[0].score, abs=1e-5)


def test_indexes_recall_most_of_the_nearest():
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(40, 32, generator=generator)
    rows = centers.repeat(50, 1) + 0.5 * torch.randn(2000, 32, generator=generator)
    rows = torch.nn.functional.normalize(rows, dim=1)
    queries = rows[:50] + 0.05 * torch.randn(50, 32, generator=generator)
    exact = (queries @ rows.T).topk(10).indices.tolist()
    for kind in ("hnsw", "ivf"):
        _, found = approximate_index(kind, rows).search(queries.numpy(), 10)
        shares = [len(set(a) & set(b)) / 10 for a, b in zip(exact, found.tolist(), strict=True)]
        assert np.mean(shares) > 0.9, kind


def test_pictures_and_texts_are_found_by_either(path, tmp_path):
    for color in ("red", "blue"):
        Image.new("RGB", (4, 4), color).save(tmp_path / f"{color}.png")
    with Store(path, Words()) as store:
        store.add([Chunk(p.name, p) for p in sorted(tmp_path.glob("*.png"))] + chunks())
        for query in (Image.new("RGB", (9, 9), "red"), tmp_path / "red.png"):
            assert store.search(query, 1)[0].chunk == Chunk("red.png", tmp_path / "red.png")
        assert contents(store.search("cold soup", 1)) == ["cold soup"]


# What it keeps


def test_a_store_is_as_it_was_when_opened_again(store, path):
    with Store(path, Words()) as again:
        assert again.search("cold soup") == store.search("cold soup")
        assert again.files == ["food.md", "tools.md"]


def test_only_what_changed_is_embedded_again(store):
    embedder = store.embedder
    embedder.embedded.clear()
    assert store.add(chunks()) == 0
    changed = TEXTS | {"food.md": ["cold soup", "soup with leeks", "warm bread", "warm bread"]}
    assert store.add(chunks(changed)) == 1
    assert embedder.embedded == ["warm bread"]
    assert [c.content for c in store.chunks("food.md")] == changed["food.md"]
    assert "bread and butter" not in contents(store.search("bread and butter", 9))


def test_adding_what_is_there_leaves_an_index_fresh(store):
    store.build_index("hnsw")
    store.add(chunks())
    assert store.search("soup", 1, index="hnsw")


def test_a_deleted_document_is_not_found_and_its_embeddings_go(store, path):
    store.delete("food.md")
    assert len(store) == 2 and "cold soup" not in contents(store.search("cold soup", 9))
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM embeddings").fetchone() == (2,)


def test_what_another_connection_writes_is_found(store, path):
    store.search("soup")
    with Store(path, Words()) as other:
        other.add([Chunk("new.md", "a green bicycle")])
    assert contents(store.search("bicycle", 1)) == ["a green bicycle"]


def test_documents_before_a_failing_one_stay(store, monkeypatch):
    monkeypatch.setattr("course_utils.retrieval.store.GROUP", 1)
    before = store.search("soup", 9)
    with pytest.raises(ValueError, match="NaN"):
        store.add([Chunk("good.md", "fine"), Chunk("bad.md", "nan"), Chunk("late.md", "late")])
    assert store.files == ["food.md", "tools.md", "good.md"]
    assert [hit for hit in store.search("soup", 9) if hit.chunk.file != "good.md"] == before


# What it refuses


@pytest.mark.parametrize("other", [Words(seed=1), Words(width=8)])
def test_another_embedder_is_refused(store, path, other):
    with pytest.raises(ValueError, match="another embedder|width 24"):
        Store(path, other)


def test_a_stale_or_missing_index_is_refused(store):
    with pytest.raises(ValueError, match=r"There is none: call build_index\('hnsw'\)"):
        store.search("soup", index="hnsw")
    store.build_index("hnsw")
    store.delete("tools.md")
    with pytest.raises(ValueError, match="earlier contents"):
        store.search("soup", index="hnsw")
    with pytest.raises(ValueError, match="choose hnsw or ivf"):
        store.build_index("tree")


@pytest.mark.parametrize(
    "query, k, message",
    [
        ("  ", 5, "query is empty"),
        ("soup", 0, "k is 0"),
        ([1.0] * 5, 5, "width 5"),
        ([float("nan")] * WIDTH, 5, "NaN"),
        (torch.zeros(2, WIDTH), 5, "give one vector"),
        (Path("missing.png"), 5, "missing.png is no picture"),
    ],
)
def test_a_bad_query_is_refused(store, query, k, message):
    with pytest.raises(ValueError, match=message):
        store.search(query, k)


@pytest.mark.parametrize(
    "chunk, message",
    [
        (Chunk("a.md", " \n"), "empty chunk of a.md"),
        (Chunk("", "text"), "without a file"),
        (Chunk("a.md", "text", start=5, stop=2), "from character 5 to 2"),
    ],
)
def test_a_bad_chunk_is_refused_before_anything_is_written(store, chunk, message):
    with pytest.raises(ValueError, match=message):
        store.add([Chunk("new.md", "new"), chunk])
    assert store.files == ["food.md", "tools.md"]


def test_unknown_documents_are_refused(store):
    with pytest.raises(ValueError, match="no document 'x.md'"):
        store.delete("food.md", "x.md")
    with pytest.raises(ValueError, match="no document 'x.md'"):
        store.chunks("x.md")
    assert len(store.files) == 2


@pytest.mark.parametrize("content", [b"# a text file of some length, and no database", None])
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "other"
    if content is None:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE mine (x)")
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is no store"):
        Store(path, Words())
    assert path.read_bytes() == before


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        Store(tmp_path / "no" / "store.db", Words())


# Kills


def state(n):
    """The documents after n operations: each adds one, replaces the one before, or deletes."""
    documents = {}
    for i in range(n):
        turn, name = i % 4, f"{i // 4}.md"
        if turn in (0, 2):
            documents[name] = [f"text {i} {j}" for j in range(3 + turn)]
        elif turn == 1:
            documents[f"{i}-other.md"] = [f"other {i}"]
        else:
            del documents[f"{i - 2}-other.md"]
    return documents


def write_until_killed(path, acknowledge):
    tqdm.set_lock(threading.RLock())  # the parent's would stay shut in the kill
    with Store(path, Words()) as store:
        for n in range(1, 10_000):
            before, after = state(n - 1), state(n)
            if gone := before.keys() - after.keys():
                store.delete(*gone)
            else:
                changed = {f: parts for f, parts in after.items() if before.get(f) != parts}
                store.add(chunks(changed), progress=False)
            os.write(acknowledge, b".")


def kill_a_writer(path, seconds):
    """Fork a writer, kill it; how many of its operations were acknowledged."""
    reading, writing = os.pipe()
    writer = os.fork()
    if writer == 0:
        try:
            write_until_killed(path, writing)
        finally:
            os._exit(1)
    os.close(writing)
    time.sleep(seconds)
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    with os.fdopen(reading, "rb") as pipe:
        return len(pipe.read())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path):
    moments = random.Random(0)
    for number in range(KILLS):
        path = tmp_path / f"{number}.db"
        acknowledged = kill_a_writer(path, moments.uniform(0, 0.2))
        with Store(path, Words()) as store:
            found = {file: [c.content for c in store.chunks(file)] for file in store.files}
            assert found in (state(acknowledged), state(acknowledged + 1)), number
            assert len(store.search("text 1", 10_000)) == sum(map(len, found.values()))
            store.add([Chunk("after.md", "it goes on")], progress=False)
        with sqlite3.connect(path) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
