"""Exact and approximate search over 100,000 vectors, and kills of the store's writer.

    python tests/benchmarks/retrieval.py [vectors]
    STORE_KILLS=1000 pytest --timeout 0 tests/test_store.py -k killed

Not collected by pytest. CPU time, one thread, medians of ratios over interleaved rounds.
"""

import sys
import time
from statistics import median

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.retrieval.similarity import ExactSearch, recall_at_k
from course_utils.retrieval.store import Store, approximate_index

WIDTH, CLUSTERS, QUERIES, ROUNDS = 384, 1000, 200, 41


def clustered(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """n vectors of length 1 around CLUSTERS centers, and queries from the same clusters."""
    generator = torch.Generator().manual_seed(seed)
    centers = torch.randn(CLUSTERS, WIDTH, generator=generator)
    cluster = torch.randint(CLUSTERS, (n + QUERIES,), generator=generator)
    vectors = centers[cluster] + 0.6 * torch.randn(n + QUERIES, WIDTH, generator=generator)
    vectors = F.normalize(vectors, dim=1)
    return vectors[:n], vectors[n:]


class Nothing:
    """An embedder for a store that is searched by vectors only."""

    def encode_document(self, inputs, batch_size, show_progress_bar):
        return np.eye(WIDTH, dtype=np.float32)[: len(inputs)]


def filled(vectors: torch.Tensor) -> Store:
    """A store in memory over these vectors, without embedding anything."""
    store = Store(":memory:", Nothing())
    db = store._db
    db.execute("BEGIN")
    db.execute("INSERT INTO documents VALUES (1, 'vectors')")
    rows = [(i.to_bytes(4, "big"), row.tobytes()) for i, row in enumerate(vectors.numpy())]
    db.executemany("INSERT INTO embeddings VALUES (?, ?)", rows)
    db.executemany(
        "INSERT INTO chunks (document, heading, start, stop, content, is_picture, digest) "
        "VALUES (1, '', 0, 0, 'x', 0, ?)",
        [(digest,) for digest, _ in rows],
    )
    db.execute("COMMIT")
    return store


def main() -> None:
    torch.set_num_threads(1)
    import faiss

    faiss.omp_set_num_threads(1)
    n = int(sys.argv[1]) if sys.argv[1:] else 100_000
    vectors, queries = clustered(n)
    store = filled(vectors)
    started = time.process_time()
    index = approximate_index("hnsw", vectors)
    print(f"{n:,} vectors of width {WIDTH}; HNSW built in {time.process_time() - started:.0f} s")
    exact = ExactSearch(vectors)
    wanted = [set(row) for row in exact.search(queries, 10)[1].tolist()]
    found = torch.from_numpy(index.search(queries.numpy(), 10)[1])
    print(f"HNSW recall@10: {recall_at_k(found, wanted, 10):.3f}")
    rounds = []
    for i in range(ROUNDS):
        query = queries[i % QUERIES]
        rounds.append(
            {
                "X @ q": seconds(lambda q=query: vectors @ q),
                "the store": seconds(lambda q=query: store.search(q, 10)),
                "ExactSearch": seconds(lambda q=query: exact.search(q[None], 10)),
                "HNSW": seconds(lambda q=query: index.search(q[None].numpy(), 10)),
            }
        )
    for name in ("the store", "ExactSearch", "HNSW"):
        ratio = median(times[name] / times["X @ q"] for times in rounds[1:])
        print(f"{name} / X @ q: {ratio:.3f}")


def seconds(run) -> float:
    """CPU time, so that other processes do not count."""
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    main()
