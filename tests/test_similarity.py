"""Pooling, search and recall against libraries; cells against exact search."""

import faiss
import pytest
import torch
from sentence_transformers import util
from sentence_transformers.sentence_transformer.modules import Pooling
from torch.nn import functional as F

from course_utils.retrieval import notes
from course_utils.retrieval.similarity import (
    IVF,
    ExactSearch,
    distances,
    info_nce,
    kmeans,
    mean_pooling,
    recall_at_k,
)

generator = torch.Generator().manual_seed(0)


def drawn(*shape):
    return torch.randn(*shape, generator=generator)


def test_distances_are_the_librarys():
    a, b = drawn(4, 6), drawn(3, 6)
    euclidean, dot, cosine = distances(a, b)
    torch.testing.assert_close(euclidean, -util.euclidean_sim(a, b), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(dot, util.dot_score(a, b))
    torch.testing.assert_close(1 - cosine, util.cos_sim(a, b))


def test_mean_pooling_is_the_librarys():
    states = drawn(3, 5, 8)
    mask = torch.tensor([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1]])
    library = Pooling(8, "mean")({"token_embeddings": states, "attention_mask": mask})
    torch.testing.assert_close(mean_pooling(states, mask), library["sentence_embedding"])
    assert mean_pooling(states, 0 * mask).eq(0).all()


def test_exact_search_is_the_librarys_and_gives_all_where_there_are_fewer():
    vectors, queries = 3 * drawn(30, 8), drawn(4, 8)
    scores, rows = ExactSearch(vectors).search(queries, 5)
    for i, hits in enumerate(util.semantic_search(queries, vectors, top_k=5)):
        assert rows[i].tolist() == [hit["corpus_id"] for hit in hits]
        assert scores[i].tolist() == pytest.approx([hit["score"] for hit in hits], abs=1e-5)
    assert ExactSearch(vectors).search(queries, 99)[1].shape == (4, 30)


def test_the_loss_of_equal_vectors_is_the_logarithm_of_their_number():
    same = torch.ones(7, 3)
    assert info_nce(same, same, 0.1).item() == pytest.approx(torch.tensor(7.0).log().item())
    apart = torch.eye(7)
    assert info_nce(apart, apart, 0.001).item() == pytest.approx(0, abs=1e-6)


def test_recall():
    found = torch.tensor([[3, 1, 2], [0, 2, 1]])
    assert recall_at_k(found, [{1, 9}, {2}], 2) == 0.75
    assert recall_at_k(found, [set(), {2}], 1) == 0
    with pytest.raises(ValueError, match="No query"):
        recall_at_k(found, [set(), set()], 2)


def test_cells_find_what_faiss_finds():
    vectors = F.normalize(drawn(500, 16), dim=1)
    centroids = kmeans(vectors, 20)
    assert centroids.norm(dim=1).allclose(torch.ones(20))
    quantizer = faiss.IndexFlatIP(16)
    quantizer.add(centroids.numpy())
    index = faiss.IndexIVFFlat(quantizer, 16, 20, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors.numpy())
    index.add(vectors.numpy())
    ours = IVF(vectors, centroids)
    for query in F.normalize(drawn(10, 16), dim=1):
        for n_probe in (1, 4, 20):
            index.nprobe = n_probe
            _, rows = index.search(query[None].numpy(), 5)
            assert ours.search(query, 5, n_probe)[1].tolist() == rows[0].tolist()


def test_centroids_are_nearer_to_the_vectors_than_those_drawn_at_random():
    vectors = F.normalize(drawn(400, 8), dim=1)
    first, last = (kmeans(vectors, 12, steps=n) for n in (0, 10))
    assert (vectors @ last.T).amax(1).mean() > (vectors @ first.T).amax(1).mean() + 0.02


def test_every_question_to_the_notes_has_one_answer():
    assert [len(x) for x in notes.relevant()] == [1] * len(notes.QUESTIONS)
    chunks = notes.chunks()
    assert all(chunk.stop - chunk.start == len(chunk.content) for chunk in chunks)
