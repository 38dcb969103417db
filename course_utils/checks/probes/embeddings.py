"""Probes and inputs for the exercises of ``08_embeddings``, in float64; for pooling in float32."""

from __future__ import annotations

import contextlib
import functools
import tracemalloc
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils.checks.probes.guard import attempt
from course_utils.checks.probes.tracing import lenient


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _each(answer: Callable, inputs: list[tuple]) -> list[dict]:
    return [attempt(lenient(answer), *arguments) for arguments in inputs]


# distances(a, b)


def ordinary_vectors(seed: int) -> list[tuple[Tensor, Tensor]]:
    """Of different lengths, some opposed; another number on either side."""
    generator = _generator(seed, 801)
    given = []
    for n, m, width in ((2, 3, 5), (5, 3, 7)):
        a, b = _normal(generator, n, width), _normal(generator, m, width)
        b[0] = -2 * a[0]
        given.append((a * torch.arange(1, n + 1)[:, None], b))
    return given


def special_vectors(seed: int) -> list[tuple[Tensor, Tensor]]:
    """The same vectors on both sides, large ones too; and a vector of zeros on either side."""
    generator = _generator(seed, 802)
    same = 1e6 * (1 + 1e-3 * _normal(generator, 6, 9))
    a, b = _normal(generator, 3, 5), _normal(generator, 4, 5)
    a[1], b[2] = 0, 0
    return [(same, same.clone()), (a, b)]


def distances_ordinary(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, ordinary_vectors(seed))


def distances_special(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, special_vectors(seed))


# mean_pooling(states, mask)


def _masked(generator: torch.Generator, rows: list[list[int]], width: int) -> tuple[Tensor, Tensor]:
    mask = torch.tensor(rows)
    return (3 + _normal(generator, *mask.shape, width)).float(), mask


def padded(seed: int) -> list[tuple[Tensor, Tensor]]:
    """Padding on the right, on the left, and in between."""
    generator = _generator(seed, 811)
    right = [[1] * 3 + [0] * 4, [1] * 7, [1] + [0] * 6]
    left = [[0, 0, 0, 1, 1], [0, 1, 1, 1, 1], [1, 1, 1, 1, 1]]
    between = [[0, 1, 0, 1], [1, 0, 0, 1]]
    return [_masked(generator, rows, 4 + i) for i, rows in enumerate((right, left, between))]


def without_tokens(seed: int) -> list[tuple[Tensor, Tensor]]:
    """The second row has no token, and zeros for states."""
    states, mask = _masked(_generator(seed, 813), [[1, 1, 0], [0, 0, 0]], 4)
    return [(states * mask[..., None], mask)]


def pooling_padded(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, padded(seed))


def pooling_empty(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, without_tokens(seed))


# ExactSearch(vectors), .search(queries, k)


SELECTIONS = ("aten::index", "aten::index_select", "aten::gather", "aten::take")


class Meter(TorchDispatchMode):
    """How many floating-point numbers each operation read and made; views do neither, and one that
    selects reads what it makes."""

    def __init__(self):
        super().__init__()
        self.read: list[int] = []
        self.made: list[int] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        schema = function._schema
        is_view = any(r.alias_info for r in schema.returns) and not schema.is_mutable
        if not is_view:
            made = _largest(result if isinstance(result, tuple | list) else [result])
            self.made.append(made)
            self.read.append(made if schema.name in SELECTIONS else _largest(args))
        return result


@contextlib.contextmanager
def _traced() -> Iterator[list[int]]:
    """The most bytes that Python and NumPy held meanwhile, in a list that is filled at the end."""
    peak = [0]
    is_traced = tracemalloc.is_tracing()
    if not is_traced:
        tracemalloc.start()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    try:
        yield peak
    finally:
        peak[0] = tracemalloc.get_traced_memory()[1] - before
        if not is_traced:
            tracemalloc.stop()


def _largest(values) -> int:
    sizes = [x.numel() for x in values if isinstance(x, Tensor) and x.is_floating_point()]
    return max(sizes, default=0)


def searching(answer: type, vectors: Tensor, searches: list[tuple], *more: Tensor) -> list[dict]:
    """Build one object, search it; outcomes tell how many numbers each operation ``read`` and
    ``made``, and how many ``bytes`` were in use at once outside of torch, as NumPy's are.

    The outcome of building comes first where it raised or changed the vectors.
    """
    built: list[object] = []

    @functools.wraps(answer, updated=())
    def build(*given):
        built.append(answer(*given))

    calls = [attempt(build, vectors, *more)]
    if not built:
        return calls
    for arguments in searches:
        meter = Meter()

        def search(*given, meter=meter):
            with meter:
                return built[0].search(*given)

        with _traced() as peak:
            call = attempt(lenient(search), *arguments)
        calls.append(call | {"read": meter.read, "made": meter.made, "bytes": peak[0]})
    return calls if calls[0].get("mutated") else calls[1:]


def corpus(seed: int) -> tuple[Tensor, list[tuple]]:
    """Vectors of different lengths, and searches with other queries and other k; one k is so large
    that opposite vectors are found."""
    generator = _generator(seed, 821)
    vectors = _normal(generator, 40, 6) * (1 + 9 * torch.rand(40, 1, generator=generator))
    queries = [(5 * _normal(generator, n, 6), k) for n, k in ((3, 4), (2, 35), (1, 1))]
    return vectors, queries


def small_corpus(seed: int) -> tuple[Tensor, list[tuple]]:
    """Fewer vectors than are asked for, and as many; all of length 1."""
    generator = _generator(seed, 822)
    vectors = F.normalize(_normal(generator, 5, 4), dim=1)
    queries = F.normalize(_normal(generator, 2, 4), dim=1)
    return vectors, [(queries, 9), (queries, 5)]


def large_corpus(seed: int) -> tuple[Tensor, list[tuple]]:
    generator = _generator(seed, 823)
    vectors = _normal(generator, 300, 64)
    return vectors, [(_normal(generator, 1, 64), 3) for _ in range(2)]


def exact_nearest(answer: type, seed: int) -> list[dict]:
    return searching(answer, *corpus(seed))


def exact_small(answer: type, seed: int) -> list[dict]:
    return searching(answer, *small_corpus(seed))


def exact_work(answer: type, seed: int) -> list[dict]:
    return searching(answer, *large_corpus(seed))


# info_nce(images, texts, temperature)


def unit_pairs(seed: int) -> list[tuple[Tensor, Tensor, float]]:
    generator = _generator(seed, 831)
    given = []
    for n, width, temperature in ((4, 5, 0.5), (7, 3, 0.2)):
        images, texts = _normal(generator, n, width), _normal(generator, n, width)
        given.append((F.normalize(images, dim=1), F.normalize(texts + images, dim=1), temperature))
    return given


def long_pairs(seed: int) -> list[tuple[Tensor, Tensor, float]]:
    """Vectors of any length."""
    generator = _generator(seed, 832)
    images, texts = _normal(generator, 6, 4), _normal(generator, 6, 4)
    lengths = 0.5 + 4 * torch.rand(6, 1, generator=generator).double()
    return [(images * lengths, 3 * (texts + images), 0.3)]


def cold_pairs(seed: int) -> list[tuple[Tensor, Tensor, float]]:
    """The same pairs, not the nearest to each other, at a temperature so low that exp of a logit
    overflows, and at a high one; vectors of length 1."""
    images, texts, high = unit_pairs(seed)[0]
    return [(images, -texts, temperature) for temperature in (0.0002, high)]


def loss_pairs(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, unit_pairs(seed))


def loss_lengths(answer: Callable, seed: int) -> list[dict]:
    """On vectors of any length, and on the same ones of length 1."""
    (images, texts, temperature), *_ = long_pairs(seed)
    unit = F.normalize(images, dim=1), F.normalize(texts, dim=1), temperature
    return _each(answer, [(images, texts, temperature), unit])


def loss_cold(answer: Callable, seed: int) -> list[dict]:
    return _each(answer, cold_pairs(seed))


def loss_gradients(answer: Callable, seed: int) -> list[dict]:
    """The loss, and its gradients with respect to images and texts."""
    outcomes = []
    for images, texts, temperature in unit_pairs(seed):
        images, texts = images.requires_grad_(), texts.requires_grad_()

        @functools.wraps(answer, updated=())
        def gradients(images, texts, temperature):
            loss = answer(images, texts, temperature)
            if not (isinstance(loss, Tensor) and loss.requires_grad):
                return None if loss is None else "no gradient"
            return loss, *torch.autograd.grad(loss, [images, texts], allow_unused=True)

        with torch.enable_grad():
            outcomes.append(attempt(gradients, images, texts, temperature))
    return outcomes


# recall_at_k(found, relevant, k)


def rankings(seed: int) -> list[tuple[Tensor, list[set[int]], int]]:
    """Rankings of 12 items; the relevant ones differ in number, no query is without."""
    generator = _generator(seed, 841)
    given = []
    for k, sizes in ((3, (1, 2, 5, 4)), (5, (3, 1, 7)), (1, (2, 1, 1, 3))):
        found = torch.stack([torch.randperm(12, generator=generator) for _ in sizes])
        relevant = []
        for row, size in zip(found.tolist(), sizes, strict=True):
            hit = row[int(torch.randint(k, (1,), generator=generator))]
            others = torch.randperm(12, generator=generator).tolist()
            relevant.append({hit, *[x for x in others if x != hit][: size - 1]})
        missed = {found[-1, k].item(), found[-1, k + 1].item()}
        given.append((found, [*relevant[:-1], missed], k))
    return given


def with_nothing_relevant(seed: int) -> list[tuple[Tensor, list[set[int]], int]]:
    """Two of the queries have no relevant item; of the others, one each."""
    generator = _generator(seed, 842)
    given = []
    for k in (3, 2):
        ranks = [0, 0, 1, 2, None, 2, 3, 5, 6, 7, None, 7, 8, 8, 6]
        found = torch.stack([torch.randperm(9, generator=generator) for _ in ranks])
        relevant = [
            set() if rank is None else {row[rank]}
            for row, rank in zip(found.tolist(), ranks, strict=True)
        ]
        given.append((found, relevant, k))
    return given


def recall_ranked(answer: Callable, seed: int) -> list[dict]:
    return [_recall(answer, *given) for given in rankings(seed)]


def recall_empty(answer: Callable, seed: int) -> list[dict]:
    return [_recall(answer, *given) for given in with_nothing_relevant(seed)]


def _recall(answer: Callable, found: Tensor, relevant: list[set[int]], k: int) -> dict:
    given = [set(wanted) for wanted in relevant]
    call = attempt(lenient(answer), found, given, k)
    return call | {"mutated": call.get("mutated") or given != relevant}


# IVF(vectors, centroids), .search(query, k, n_probe)

CELLS, MEMBERS, WIDTH = 12, 10, 8


def cells(seed: int, stream: int = 851) -> tuple[Tensor, Tensor]:
    """Clustered vectors of length 1 in an order of their own, and centroids near the clusters.

    The clusters overlap, so that the nearest vector is often outside the nearest cell.
    """
    generator = _generator(seed, stream)
    centroids = F.normalize(_normal(generator, CELLS, WIDTH), dim=1)
    vectors = centroids.repeat(MEMBERS, 1) + 0.3 * _normal(generator, CELLS * MEMBERS, WIDTH)
    order = torch.randperm(len(vectors), generator=generator)
    return F.normalize(vectors[order], dim=1), centroids


def _queries(seed: int, stream: int, n: int) -> Tensor:
    return F.normalize(_normal(_generator(seed, stream), n, WIDTH), dim=1)


def few_cells(seed: int) -> list[tuple]:
    """Some cells; those of the last search hold fewer than k."""
    *others, last = _queries(seed, 852, 7)
    return [*((query, 3 + 9 * (i % 2), 2 + i % 2) for i, query in enumerate(others)), (last, 60, 2)]


def all_cells(seed: int) -> list[tuple]:
    """As many cells as there are, and more."""
    one, other = _queries(seed, 853, 2)
    return [(one, 6, CELLS), (other, 6, 99)]


def sparse_cells(seed: int) -> tuple[tuple[Tensor, Tensor], list[tuple]]:
    """More wanted than there is, over cells of which some hold nothing: all of them, the nearest
    alone, or the two nearest."""
    vectors, centroids = cells(seed, 854)
    cell = (vectors @ centroids.T).argmax(dim=1)
    vectors = vectors[cell < CELLS // 2]
    query = F.normalize(vectors[0] + 0.1 * _queries(seed, 855, 1)[0], dim=0)
    held = torch.bincount((vectors @ centroids.T).argmax(dim=1), minlength=CELLS)
    others = _queries(seed, 858, 500)
    first, second = (held[c] == 0 for c in (others @ centroids.T).topk(2).indices.T)
    near_one, near_two = others[first & ~second][0], others[first & second][0]
    searches = [(query, 500, CELLS), (query, 2, CELLS), (near_one, 3, 2), (near_two, 3, 2)]
    return (vectors, centroids), searches


def many_cells(seed: int) -> tuple[tuple[Tensor, Tensor], list[tuple]]:
    """Cells of one size, for counting."""
    generator = _generator(seed, 856)
    centroids = F.normalize(_normal(generator, 60, WIDTH), dim=1)
    vectors = F.normalize(centroids.repeat(20, 1) + 1e-3 * _normal(generator, 1200, WIDTH), dim=1)
    return (vectors, centroids), [(query, 3, 2) for query in _queries(seed, 857, 2)]


def _ivf(answer: type, given: tuple[Tensor, Tensor], searches: list[tuple]) -> list[dict]:
    vectors, centroids = given
    return searching(answer, vectors, searches, centroids)


def ivf_few(answer: type, seed: int) -> list[dict]:
    return _ivf(answer, cells(seed), few_cells(seed))


def ivf_all(answer: type, seed: int) -> list[dict]:
    return _ivf(answer, cells(seed), all_cells(seed))


def ivf_sparse(answer: type, seed: int) -> list[dict]:
    return _ivf(answer, *sparse_cells(seed))


def ivf_work(answer: type, seed: int) -> list[dict]:
    return _ivf(answer, *many_cells(seed))
