"""A vector store in one SQLite file: documents, their chunks, and an embedding of each chunk.

Embeddings have length 1 and scores are cosine similarities. Search is exact, by one matrix that is
normalized once, unless an approximate index is asked for.

A document is written in one transaction, in WAL mode with full synchronization: killed at any
moment, the file holds every document whose `add` returned, and no half of another.

Sources: HNSW, Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
Hierarchical Navigable Small World graphs" (2016); IVF, Sivic and Zisserman, "Video Google" (2003);
both by FAISS.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

if TYPE_CHECKING:
    import faiss
    from PIL.Image import Image

APPLICATION = 0x4C4C4D57  # in the file's header: "LLMW"
GROUP = 256  # contents that are embedded before their documents are written
BATCH = 16
PROBE = ("The weather is lovely today.", "a red circle above two blue squares")
SAME = 0.999  # the least cosine similarity to what the same embedder made of PROBE
INDEXES = ("hnsw", "ivf")
HNSW_NEIGHBORS, HNSW_BUILD, HNSW_SEARCH = 32, 200, 64
IVF_SHARE = 0.1  # of the cells, that are searched

SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value);
CREATE TABLE documents (id INTEGER PRIMARY KEY, file TEXT NOT NULL UNIQUE);
CREATE TABLE embeddings (digest BLOB PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    heading TEXT NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    content TEXT NOT NULL,
    is_picture INTEGER NOT NULL,
    digest BLOB NOT NULL REFERENCES embeddings
);
CREATE INDEX chunks_of_document ON chunks (document);
CREATE INDEX chunks_of_embedding ON chunks (digest);
CREATE TABLE indexes (kind TEXT PRIMARY KEY, revision INTEGER NOT NULL, data BLOB NOT NULL);
"""

Matrix = Float[np.ndarray, "n width"]


class Embedder(Protocol):
    """What a store asks of an embedder; a SentenceTransformer does it."""

    def encode_document(
        self, inputs: list, *, batch_size: int, show_progress_bar: bool
    ) -> Matrix: ...

    def encode_query(self, inputs: list, *, show_progress_bar: bool) -> Matrix: ...


@dataclass(frozen=True)
class Chunk:
    """A piece of a document: its text, or the path of a picture.

    ``start`` and ``stop`` are the characters of the document that the text was cut from.
    """

    file: str
    content: str | Path
    heading: str = ""
    start: int = 0
    stop: int = 0


@dataclass(frozen=True)
class Hit:
    """A chunk that was found, and its cosine similarity to the query."""

    chunk: Chunk
    score: float


class Store:
    """Chunks and their embeddings in the file ``path``, made by ``embedder`` and by no other.

    A context manager; ``":memory:"`` is a store without a file.
    Raises ValueError for a file that is no store, and for a store of another embedder's vectors;
    FileNotFoundError where the folder is missing.
    """

    def __init__(self, path: str | Path, embedder: Embedder):
        self.path, self.embedder = str(path), embedder
        if not Path(path).parent.is_dir():
            raise FileNotFoundError(f"There is no folder {Path(path).parent}: make it first.")
        probe = _unit(embedder.encode_document(list(PROBE), batch_size=BATCH, **_SILENT), PROBE)
        self._db = _connect(self.path, probe)
        try:
            self._check_embedder(probe)
        except ValueError:
            self.close()
            raise
        self._seen: int | None = None  # the version of the file that the matrix was read from
        self._matrix = torch.empty(0, probe.shape[1])
        self._ids: list[int] = []
        self._indexes: dict[str, tuple[int, faiss.Index]] = {}

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def __len__(self) -> int:
        """The number of chunks."""
        return self._value("SELECT count(*) FROM chunks")

    @property
    def files(self) -> list[str]:
        """The documents, in the order in which they were added."""
        return [file for (file,) in self._db.execute("SELECT file FROM documents ORDER BY id")]

    def chunks(self, file: str) -> list[Chunk]:
        """The chunks of a document, in their order. Raises ValueError for one that is not there."""
        rows = self._db.execute(f"{_CHUNK} WHERE file = ? ORDER BY chunks.id", [file])
        chunks = [_chunk(row) for row in rows]
        if not chunks:
            raise ValueError(f"{self.path} holds no document {file!r}: `files` lists them.")
        return chunks

    # Writing

    def add(self, chunks: Iterable[Chunk], progress: bool = True) -> int:
        """Add documents, whole; one that is there already is replaced by its chunks given here.

        A content that the store knows is not embedded again, wherever it stands. Returns how many
        were embedded. Interrupted, it leaves the documents written so far.
        Raises ValueError for an empty content or file, a span that is none, and for a picture that
        cannot be read or an embedding that is no vector of numbers: then of the documents that are
        embedded together with it none is written.
        """
        from tqdm.auto import tqdm

        documents: dict[str, list[Chunk]] = {}
        for chunk in chunks:
            _check_chunk(chunk)
            documents.setdefault(chunk.file, []).append(chunk)
        contents = {chunk.content for parts in documents.values() for chunk in parts}
        digests = {content: _digest(content) for content in contents}
        known = {digest for (digest,) in self._db.execute("SELECT digest FROM embeddings")}
        changed = {
            file: parts for file, parts in documents.items() if self._differs(file, parts, digests)
        }
        n_new = len({digests[c.content] for parts in changed.values() for c in parts} - known)
        with tqdm(total=n_new, desc="embedding", unit="chunk", disable=not progress) as bar:
            for group, new in _groups(changed, digests, known):
                vectors = self._embed(new)
                with self._change():
                    for digest, vector in vectors.items():
                        self._db.execute(
                            "INSERT OR IGNORE INTO embeddings VALUES (?, ?)", [digest, vector]
                        )
                    for file, parts in group.items():
                        self._write(file, parts, digests)
                bar.update(len(new))
        if changed:
            self._forget_unused()
        return n_new

    def delete(self, *files: str) -> None:
        """Remove documents, all or none. Raises ValueError for one that is not there."""
        if missing := set(files) - set(self.files):
            raise ValueError(f"{self.path} holds no document {', '.join(map(repr, missing))}.")
        with self._change():
            for file in files:
                self._db.execute("DELETE FROM documents WHERE file = ?", [file])
        self._forget_unused()

    def _differs(self, file: str, parts: list[Chunk], digests: Mapping[str | Path, bytes]) -> bool:
        rows = self._db.execute(f"{_CHUNK} WHERE file = ? ORDER BY chunks.id", [file])
        there = [(_chunk(row), row[-1]) for row in rows]
        return there != [(chunk, digests[chunk.content]) for chunk in parts]

    def _write(self, file: str, parts: list[Chunk], digests: Mapping[str | Path, bytes]) -> None:
        self._db.execute("DELETE FROM documents WHERE file = ?", [file])
        document = self._db.execute("INSERT INTO documents (file) VALUES (?)", [file]).lastrowid
        self._db.executemany(
            "INSERT INTO chunks (document, heading, start, stop, content, is_picture, digest) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (document, c.heading, c.start, c.stop, str(c.content), isinstance(c.content, Path))
                + (digests[c.content],)
                for c in parts
            ],
        )

    def _forget_unused(self) -> None:
        with self._change():
            self._db.execute(
                "DELETE FROM embeddings WHERE digest NOT IN (SELECT digest FROM chunks)"
            )

    @contextmanager
    def _change(self) -> Iterator[None]:
        with _transaction(self._db):
            yield
            self._db.execute("UPDATE settings SET value = value + 1 WHERE name = 'revision'")
        self._seen = None

    def _embed(self, contents: Mapping[bytes, str | Path]) -> dict[bytes, bytes]:
        """A vector, float32 of length 1, for each content; texts and pictures apart."""
        vectors: dict[bytes, bytes] = {}
        for kind in (str, Path):
            chosen = {d: content for d, content in contents.items() if isinstance(content, kind)}
            if chosen:
                inputs = [_readable(content) for content in chosen.values()]
                encoded = self.embedder.encode_document(inputs, batch_size=BATCH, **_SILENT)
                rows = _unit(encoded, list(chosen.values()))
                self._check_width(rows.shape[1])
                vectors |= {d: row.tobytes() for d, row in zip(chosen, rows, strict=True)}
        return vectors

    # Searching

    def search(
        self, query: str | Path | Image | Sequence[float] | Tensor, k: int = 5, index: str = ""
    ) -> list[Hit]:
        """The k chunks nearest to a query, nearest first; all of them if the store has fewer.

        The query is a text, a picture (as an image or a path) or a vector. ``index`` "hnsw" or
        "ivf" searches by that index, approximately, where ``build_index`` has built it.
        Raises ValueError for an empty query, k below 1, a vector of another width or with a NaN,
        and an index that is missing or older than the store's contents.
        """
        if k < 1:
            raise ValueError(f"k is {k}: give 1 or more.")
        vector = self._query_vector(query)
        if len(self.matrix) == 0:
            return []
        k = min(k, len(self._ids))
        if index:
            found, rows = self._index(index).search(vector[None], k)
            pairs = [(s, i) for s, i in zip(found[0], rows[0], strict=True) if i >= 0]
        else:
            top = (self._matrix @ torch.from_numpy(vector)).topk(k)
            pairs = list(zip(top.values.tolist(), top.indices.tolist(), strict=True))
        return [Hit(self._chunk_with(self._ids[i]), float(score)) for score, i in pairs]

    @property
    def matrix(self) -> Float[Tensor, "n width"]:
        """The embeddings of all chunks, in the order in which they were added. Do not change it."""
        version = self._value("PRAGMA data_version")
        if version != self._seen:
            rows = self._db.execute(
                "SELECT chunks.id, vector FROM chunks JOIN embeddings USING (digest) "
                "ORDER BY chunks.id"
            ).fetchall()
            vectors = np.empty((len(rows), self._matrix.shape[1]), np.float32)
            for i, (_, vector) in enumerate(rows):
                vectors[i] = np.frombuffer(vector, np.float32)
            self._matrix = torch.from_numpy(vectors)
            self._ids = [id for id, _ in rows]
            self._seen = version
        return self._matrix

    def _query_vector(self, query: str | Path | Image | Sequence[float] | Tensor) -> np.ndarray:
        if isinstance(query, str) and not query.strip():
            raise ValueError("The query is empty: give at least one word.")
        if isinstance(query, Tensor | np.ndarray | list | tuple):
            vector = torch.as_tensor(query).detach().cpu().float().numpy()
            if vector.ndim != 1:
                raise ValueError(f"A query of shape {list(vector.shape)}: give one vector.")
            vector = vector[None]
        else:
            vector = self.embedder.encode_query([_readable(query)], **_SILENT)
        vector = _unit(vector, ["the query"])
        self._check_width(vector.shape[1])
        return vector[0]

    def _chunk_with(self, id: int) -> Chunk:
        return _chunk(self._db.execute(f"{_CHUNK} WHERE chunks.id = ?", [id]).fetchone())

    # Approximate indexes

    def build_index(self, kind: str) -> None:
        """Build an index over the present contents: "hnsw" or "ivf"; it is kept in the file.

        Any later change of the contents makes it stale. Raises ValueError for another kind and for
        an empty store.
        """
        if kind not in INDEXES:
            raise ValueError(f"The index {kind!r} is not known: choose {' or '.join(INDEXES)}.")
        revision = self._revision()  # before the matrix: what changes meanwhile makes it stale
        if len(self.matrix) == 0:
            raise ValueError("The store is empty: add documents before you build an index.")
        import faiss

        data = faiss.serialize_index(approximate_index(kind, self._matrix)).tobytes()
        self._db.execute("INSERT OR REPLACE INTO indexes VALUES (?, ?, ?)", [kind, revision, data])

    def _index(self, kind: str) -> faiss.Index:
        if kind in self._indexes and self._indexes[kind][0] == self._revision():
            return self._indexes[kind][1]
        row = self._db.execute(
            "SELECT revision, data FROM indexes WHERE kind = ?", [kind]
        ).fetchone()
        if row is None or row[0] != self._revision():
            why = "is none" if row is None else "is one of earlier contents only"
            raise ValueError(f"There {why}: call build_index({kind!r}), or search without it.")
        import faiss

        index = faiss.deserialize_index(np.frombuffer(row[1], np.uint8))
        self._indexes[kind] = row[0], index
        return index

    def _revision(self) -> int:
        return self._value("SELECT value FROM settings WHERE name = 'revision'")

    # The embedder

    def _check_embedder(self, probe: Matrix) -> None:
        stored = self._value("SELECT value FROM settings WHERE name = 'probe'")
        there = np.frombuffer(stored, np.float32).reshape(len(PROBE), -1)
        if there.shape != probe.shape:
            raise ValueError(
                f"{self.path} holds vectors of width {there.shape[1]}, this embedder makes some "
                f"of {probe.shape[1]}: open it with the embedder that it was made with."
            )
        if (alike := float((there * probe).sum(1).min())) < SAME:
            raise ValueError(
                f"{self.path} was made with another embedder of the same width (a test sentence "
                f"comes out at a cosine of {alike:.2f} to what it was): open it with that one, or "
                "make a new store."
            )

    def _check_width(self, width: int) -> None:
        if width != self._matrix.shape[1]:
            raise ValueError(
                f"A vector of width {width}, but those of {self.path} have "
                f"{self._matrix.shape[1]}: embed it with the store's embedder."
            )

    def _value(self, statement: str):
        return self._db.execute(statement).fetchone()[0]


def approximate_index(kind: str, matrix: Float[Tensor, "n width"]) -> faiss.Index:
    """A FAISS index by inner product over rows of length 1."""
    import faiss

    n, width = matrix.shape
    metric = faiss.METRIC_INNER_PRODUCT
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(width, HNSW_NEIGHBORS, metric)
        index.hnsw.efConstruction, index.hnsw.efSearch = HNSW_BUILD, HNSW_SEARCH
    else:
        cells = max(1, math.isqrt(n))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, cells, metric)
        index.nprobe = math.ceil(IVF_SHARE * cells)
        index.cp.min_points_per_centroid = 1  # a small store is no reason for a warning
        index.train(matrix.numpy())
    index.add(matrix.numpy())
    return index


_SILENT = {"show_progress_bar": False}
_CHUNK = (
    "SELECT file, content, heading, start, stop, is_picture, digest "
    "FROM chunks JOIN documents ON documents.id = chunks.document"
)


def _chunk(row: tuple) -> Chunk:
    file, content, heading, start, stop, is_picture, _ = row
    return Chunk(file, Path(content) if is_picture else content, heading, start, stop)


def _check_chunk(chunk: Chunk) -> None:
    if not isinstance(chunk, Chunk):
        raise TypeError(f"{chunk!r} is no Chunk: give Chunk(file, content).")
    file, content, heading, start, stop = astuple(chunk)
    if not file:
        raise ValueError("A chunk without a file: name the document that it comes from.")
    if not str(content).strip():
        raise ValueError(f"An empty chunk of {file}: leave it out.")
    if not 0 <= start <= stop:
        raise ValueError(f"A chunk of {file} from character {start} to {stop}: give a span.")


def _digest(content: str | Path) -> bytes:
    """What tells contents apart: of a picture its bytes, wherever the file is."""
    if isinstance(content, Path):
        return hashlib.sha256(b"picture" + content.read_bytes()).digest()
    return hashlib.sha256(b"text" + content.encode()).digest()


def _readable(content: str | Path | Image) -> str | Image:
    """The content as an embedder takes it: a picture is opened, and turned as it was taken."""
    if not isinstance(content, Path):
        return content
    from PIL import Image, ImageOps

    try:
        with Image.open(content) as picture:
            return ImageOps.exif_transpose(picture).convert("RGB")
    except OSError as error:
        raise ValueError(f"{content} is no picture that can be read: leave it out.") from error


def _unit(vectors: object, contents: Sequence[object]) -> Matrix:
    """Float32 rows of length 1; a row of zeros stays. Raises ValueError for a NaN or infinity."""
    rows = np.asarray(vectors, dtype=np.float32)
    if rows.ndim != 2 or len(rows) != len(contents):
        raise ValueError(
            f"{len(contents)} contents came back as an array of shape {list(rows.shape)}: an "
            "embedder gives one vector for each."
        )
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise ValueError(
            f"The embedding of {str(contents[int(bad.argmax())])[:60]!r} holds NaN or infinity: "
            "it cannot be compared with anything."
        )
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)


def _groups(
    documents: Mapping[str, list[Chunk]],
    digests: Mapping[str | Path, bytes],
    known: set[bytes],
) -> Iterator[tuple[dict[str, list[Chunk]], dict[bytes, str | Path]]]:
    """Documents with about GROUP contents to embed, and these contents; each content once."""
    known = set(known)
    group: dict[str, list[Chunk]] = {}
    new: dict[bytes, str | Path] = {}
    for file, parts in documents.items():
        group[file] = parts
        for chunk in parts:
            if (digest := digests[chunk.content]) not in known:
                new[digest] = chunk.content
                known.add(digest)
        if len(new) >= GROUP:
            yield group, new
            group, new = {}, {}
    if group:
        yield group, new


def _connect(path: str, probe: Matrix) -> sqlite3.Connection:
    """The file's connection; a new file gets its tables and the embedder's probe."""
    db = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != APPLICATION and (application or tables):
            raise sqlite3.DatabaseError
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
    except sqlite3.DatabaseError as error:
        db.close()
        raise ValueError(f"{path} is no store: give the path of one, or of a new file.") from error
    with _transaction(db):
        if db.execute("PRAGMA application_id").fetchone() != (APPLICATION,):
            for statement in SCHEMA.split(";"):
                db.execute(statement)
            settings = [("probe", probe.tobytes()), ("revision", 0)]
            db.executemany("INSERT INTO settings VALUES (?, ?)", settings)
            db.execute(f"PRAGMA application_id = {APPLICATION}")
    return db


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
