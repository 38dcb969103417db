# %% [markdown] id="title"
# # 08 · Embeddings and vector search, text and pictures
#
# An embedder turns a text or a picture into a vector, so that things alike lie close together. Then searching is
# geometry. Here you build it from the ground: distances, pooling, exact and approximate search, and a space that texts
# and pictures share.
#
# 150 minutes. You need [01 · Anatomy](01_anatomy.ipynb), and tensors with three dimensions.
#
# At the end you will be able to
#
# - choose a distance, and say when the choice does not matter;
# - get from a model's tokens to the vector of a sentence, as sentence-transformers does;
# - search a store of texts or pictures, and say where words are better than meaning;
# - train texts and pictures into one space, and measure what is found;
# - trade recall for work with an inverted file and with HNSW.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import bm25s
import faiss
import torch
from IPython.display import display
from jaxtyping import Float, Int
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor
from torch.nn import functional as F

from course_utils.checks import check, mine_or_reference
from course_utils.course_clip import load_clip, scenes
from course_utils.course_clip.train import Settings, batch_inputs, build_model, embed, tokenizer
from course_utils.models import load_embedder
from course_utils.plots import Picture, contact_sheet, curves, show
from course_utils.retrieval import notes
from course_utils.retrieval.similarity import kmeans
from course_utils.retrieval.store import Chunk, Store
from course_utils.widgets import explorer, menu, slider, text_box

# %% [markdown] id="three-measures"
# ## 1 · How far apart are two sentences?
#
# Three measures are in use. For vectors $a$ and $b$:
#
# $$\text{Euclid } \lVert a-b\rVert \qquad \text{dot } a\cdot b \qquad
# \text{cosine distance } 1-\frac{a\cdot b}{\lVert a\rVert\,\lVert b\rVert}$$
#
# ## Exercise 8.1 · Three distances
#
# difficulty ●●○○○ · 15 minutes · 4 points
#
# **Goal.** Three tables, a row for each vector of `a`, a column for each of `b`. The vectors are not of length 1. A vector of zeros has
# no direction: its cosine distance to anything is 1. The Euclidean distance of a vector to itself is 0.
#
# `distances(a [n, width], b [m, width]) -> (euclidean [n, m], dot [n, m], cosine_distance [n, m])`
#
# <details><summary>Hint 1: the idea</summary>
#
# `a[:, None]` has shape `[n, 1, width]`. With `b` it broadcasts to all pairs.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# euclidean = norm of all differences, over the width
# dot       = a times b transposed
# cosine    = dot of the vectors, each divided by its own length, or by a tiny number where that is larger
# return euclidean, dot, 1 - cosine
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `1 - abs(cos)` keeps the distance below 1, and makes opposite vectors equal. A cosine distance goes from 0 to 2.
#
# </details></details></details>


# %% id="distances" tags=["exercise"]
def distances(
    a: Float[Tensor, "n width"], b: Float[Tensor, "m width"]
) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m"], Float[Tensor, "n m"]]:
    """Euclidean distance, dot product and cosine distance of all pairs."""
    ### BEGIN SOLUTION
    euclidean = (a[:, None] - b).norm(dim=2)
    cosine = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
    return euclidean, a @ b.T, 1 - cosine
    ### END SOLUTION


# %% id="distances-check" tags=["check"]
check("embeddings.distances", distances)
distances = mine_or_reference("embeddings.distances", distances)

# %% [markdown] id="published"
# Now a real embedder, all-MiniLM-L6-v2. Its documentation prints a table of similarities for three sentences. Before you run: which two
# sentences are closest, and do the three measures rank the pairs alike? And if *not* is put into the first: is that further from it, or nearer, than the second?

# %% id="predict-ranking"
my_closest = None  # such as "1 and 3"
my_ranking = None  # "alike" or "differently"
my_denial = None  # "further" or "nearer"

# %% id="published-matrix"
embedder = load_embedder()
sentences = [
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
]
vectors = torch.from_numpy(embedder.encode(sentences, show_progress_bar=False))
published = torch.tensor([[1, 0.6660, 0.1046], [0.6660, 1, 0.1411], [0.1046, 0.1411, 1]])
euclidean, dot, cosine_distance = distances(vectors, vectors)
print("equal to the published table to four digits:", (dot - published).abs().max().item() < 1e-4)
print("lengths:", [round(x, 3) for x in vectors.norm(dim=1).tolist()])
pairs = {"1 and 2": dot[0, 1], "1 and 3": dot[0, 2], "2 and 3": dot[1, 2]}
print("closest:", max(pairs, key=pairs.get), "· you predicted", my_closest)


def ranking(a: Tensor) -> list[list[int]]:
    """For each vector all of them, itself included, the nearest first, by the three measures."""
    euclidean, dot, cosine = distances(a, a)
    return [table.argsort(dim=1).tolist() for table in (euclidean, -dot, cosine)]


long = vectors * torch.tensor([[1.0], [9.0], [1.0]])
for name, given in (("as they are", vectors), ("made longer", long)):
    by_euclid, by_dot, by_cosine = ranking(given)
    print(
        f"{name}: Euclid as cosine: {by_euclid == by_cosine}, dot as cosine: {by_dot == by_cosine}"
    )
print("you predicted", my_ranking)
denied = embedder.encode("The weather is not lovely today.", show_progress_bar=False)
print(f"the first and its denial: {vectors[0] @ torch.from_numpy(denied):.2f}; the first and the")
print(f"second: {vectors[0] @ vectors[1]:.2f} · you predicted", my_denial)

# %% [markdown] id="other-table"
# To this model the denial is nearer than the same said in other words. It normalizes its output. For vectors of length 1 the three say the same, since $\lVert a-b\rVert^2 = 2-2\,a\cdot b$, and the
# cheapest, the dot product, is enough. For others they differ.
#
# Another table was published for the three pairs of three sentences, about a blanket, a spread and Taylor Swift:
#
# | Euclid | dot | cosine distance |
# |---:|---:|---:|
# | 4.6 | 12.3 | 0.45 |
# | 7.3 | -0.8 | 0.97 |
# | 6.3 | 0.9 | 0.95 |
#
# Two questions: does its model normalize? And was it computed as above? The numbers alone answer both. Look at them before you run.

# %% id="predict-table"
my_verdict = {"normalizes": None, "computed as above": None}

# %% id="other-table-read"
table = {"euclid": [4.6, 7.3, 6.3], "dot": [12.3, -0.8, 0.9], "cosine distance": [0.45, 0.97, 0.95]}
print("        mean square of the lengths    1 - cos    1 - |cos|    published")
for euclid, dot_product, told in zip(*table.values(), strict=True):
    mean_square = euclid**2 / 2 + dot_product  # |a - b|² = |a|² + |b|² - 2 a·b
    cos = dot_product / mean_square
    print(f"{mean_square:34.1f} {1 - cos:10.2f} {1 - abs(cos):12.2f} {told:12.2f}")
print("you predicted:", my_verdict)
_, _, right = distances(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1, 0]]))
print("same, at right angles, opposite:", right[0].tolist())
print("with abs:                       ", (1 - (1 - right[0]).abs()).tolist())

# %% [markdown] id="pooling-question"
# Lengths of about 5: a model without a normalizing step, such as paraphrase-MiniLM-L6-v2. And a negative dot product beside a
# cosine distance below 1 cannot be: somebody took `1 - abs(cos)`, for which opposite vectors are equal. (The two lengths of a pair are taken as equal here,
# so the last digit is not certain.)
#
# ## 2 · From tokens to one vector
#
# The transformer inside gives a state for each token. A batch is padded to its longest text. How many of the positions below are padding?

# %% id="predict-padding"
my_padding = None

# %% id="tokens"
texts = [
    "Yes.",
    "The weather is lovely today.",
    "A much longer sentence, so that the others are padded.",
]
features = embedder.preprocess(texts)
with torch.no_grad():
    states = embedder[0](dict(features))["token_embeddings"]  # [batch, pos, width]
mask = features["attention_mask"]
print("states", list(states.shape), "· tokens", mask.sum(dim=1).tolist())
print("padding:", int((mask == 0).sum()), "· you predicted", my_padding)

# %% [markdown] id="exercise-mean-pooling"
# ## Exercise 8.2 · Mean pooling
#
# difficulty ●●○○○ · 10 minutes · 3 points
#
# **Goal.** The mean of each row's tokens, padding left out. Padding can stand anywhere. A row without tokens gives zeros.
#
# `mean_pooling(states [batch, pos, width], mask [batch, pos]) -> [batch, width]`
#
# <details><summary>Hint 1: the idea</summary>
#
# A mean is a sum divided by a number. The mask tells both: which to add, and how many there are.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# weights = mask as floats, [batch, pos, 1]
# return sum over pos of states * weights / max(1, sum over pos of weights)
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `(states * weights).mean(dim=1)` divides by all positions. A text's vector then depends on how long its neighbors in the batch are.
#
# </details></details></details>


# %% id="mean-pooling" tags=["exercise"]
def mean_pooling(
    states: Float[Tensor, "batch pos width"], mask: Int[Tensor, "batch pos"]
) -> Float[Tensor, "batch width"]:
    """The mean state of each row's tokens; zeros for a row without tokens."""
    ### BEGIN SOLUTION
    weights = mask[..., None].to(states.dtype)  # [batch, pos, 1]
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
    ### END SOLUTION


# %% id="mean-pooling-check" tags=["check"]
check("embeddings.mean_pooling", mean_pooling)
mean_pooling = mine_or_reference("embeddings.mean_pooling", mean_pooling)

# %% id="pooling-compared"
pooled = {
    "mean": mean_pooling(states, mask),
    "cls": states[:, 0],
    "max": states.masked_fill(mask[..., None] == 0, -torch.inf).amax(dim=1),
}
for mode, vector in pooled.items():
    library = Pooling(states.shape[2], mode)({"token_embeddings": states, "attention_mask": mask})
    equal = torch.allclose(vector, library["sentence_embedding"], atol=1e-5)
    print(f"{mode:5} equal to the library's: {equal}")
encoded = torch.from_numpy(embedder.encode(texts, show_progress_bar=False))
mine = F.normalize(pooled["mean"], dim=1)
print("mean, then length 1, is encode():", torch.allclose(mine, encoded, atol=1e-5))

# %% [markdown] id="search"
# So `encode` is three steps: transformer, mean, length 1. Which pooling is right is decided in training: this model was trained with the mean.
#
# ## 3 · Exact search
#
# To search, compare the query with everything. The library's `util.semantic_search` normalizes the whole corpus at every call unless told
# otherwise, which for a single query costs many times the search itself.
#
# ## Exercise 8.3 · The nearest, exactly
#
# difficulty ●●●○○ · 15 minutes · 4 points
#
# **Goal.** The `k` rows of greatest cosine similarity for each query, the most similar first. Vectors and queries are of any length. Where
# the corpus has fewer than `k` rows, all of them. What has to be done to the corpus is done once, in `__init__`: a search goes over it a single time. The tensor that was given stays as it is.
#
# `ExactSearch(vectors [n, width]).search(queries [q, width], k) -> (scores [q, k], indices [q, k])`
#
# <details><summary>Hint 1: the idea</summary>
#
# A cosine is the dot product of vectors of length 1. The corpus's vectors do not change between searches.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# __init__: keep the vectors, each divided by its length
# search:   scores = unit queries times the kept matrix, transposed      [q, n]
#           the top min(k, n) of each row: values and indices
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `vectors /= …` changes the caller's tensor. `F.normalize(vectors, dim=1)` makes a new one; and a row is `dim=1`.
#
# </details></details></details>


# %% id="top-k" tags=["exercise"]
class ExactSearch:
    """The rows of greatest cosine similarity."""

    def __init__(self, vectors: Float[Tensor, "n width"]):
        ### BEGIN SOLUTION
        self.unit = F.normalize(vectors, dim=1)
        ### END SOLUTION

    def search(
        self, queries: Float[Tensor, "q width"], k: int
    ) -> tuple[Float[Tensor, "q k"], Int[Tensor, "q k"]]:
        ### BEGIN SOLUTION
        scores = F.normalize(queries, dim=1) @ self.unit.T  # [q, n]
        return tuple(scores.topk(min(k, len(self.unit)), dim=1))
        ### END SOLUTION


# %% id="top-k-check" tags=["check"]
check("embeddings.top_k", ExactSearch)
ExactSearch = mine_or_reference("embeddings.top_k", ExactSearch)

# %% [markdown] id="recall-question"
# Is it any good? Twelve questions to the notes of a bicycle workshop, each answered by one note. Half ask in other words, half
# for a part by its number. The rival looks for the words themselves: **BM25** counts them, rare ones more.
#
# ## Exercise 8.4 · Recall
#
# difficulty ●●○○○ · 15 minutes · 3 points
#
# **Goal.** The share of a query's relevant items that is among the first `k` found, averaged over the queries. A query
# without a relevant item does not count; at least one query has some.
#
# `recall_at_k(found [q, n], relevant: a set of item numbers for each query, k) -> float`
#
# <details><summary>Hint 1: the idea</summary>
#
# For one query: how many are in both sets, divided by how many are relevant.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# for each query with relevant items:
#     share = size of (first k found ∩ relevant) / size of relevant
# return mean of the shares
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `found[i, j] in relevant[i]` is always False: a tensor is no number. `found.tolist()` makes numbers of them. And to divide by
# `k` is precision.
#
# </details></details></details>


# %% id="recall" tags=["exercise"]
def recall_at_k(found: Int[Tensor, "q n"], relevant: list[set[int]], k: int) -> float:
    """The share of relevant items among the first k, averaged over queries that have any."""
    ### BEGIN SOLUTION
    shares = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        if wanted:
            shares.append(len(set(row[:k]) & wanted) / len(wanted))
    return sum(shares) / len(shares)
    ### END SOLUTION


# %% id="recall-check" tags=["check"]
check("embeddings.recall", recall_at_k)
recall_at_k = mine_or_reference("embeddings.recall", recall_at_k)

# %% [markdown] id="words-against-meaning"
# Which of the two finds more of the questions in other words, and which more of those for part numbers?

# %% id="predict-rivals"
my_rivals = {"other words": None, "part numbers": None}  # "meaning" or "words"

# %% id="rivals"
corpus = [chunk.content for chunk in notes.chunks()]
questions, relevant = list(notes.QUESTIONS), notes.relevant()
meaning = ExactSearch(torch.from_numpy(embedder.encode(corpus, show_progress_bar=False)))
_, by_meaning = meaning.search(
    torch.from_numpy(embedder.encode(questions, show_progress_bar=False)), len(corpus)
)
WORD = r"(?u)\b[\w-]+\b"  # a number such as BR-4417 in one piece


def words_of(texts: list[str]) -> list[list[str]]:
    return bm25s.tokenize(texts, token_pattern=WORD, return_ids=False, show_progress=False)


bm25 = bm25s.BM25()
bm25.index(words_of(corpus), show_progress=False)
by_words = torch.stack(
    [
        torch.from_numpy(bm25.get_scores(q)).argsort(descending=True, stable=True)
        for q in words_of(questions)
    ]
)
for kind, half in (("other words", slice(0, 6)), ("part numbers", slice(6, 12))):
    for name, found in (("meaning", by_meaning), ("words", by_words)):
        recalls = [recall_at_k(found[half], relevant[half], k) for k in (1, 3)]
        print(f"{kind:18} by {name:8} recall@1 {recalls[0]:.2f}  recall@3 {recalls[1]:.2f}")
    print(f"{'':18} you predicted {my_rivals[kind]}")

# %% [markdown] id="store-text"
# Each has its blind side. An embedder knows that a puncture is a flat; words have to be the same to be found, but then a part number is found
# for certain. So systems search both ways and join the rankings.
#
# Vectors are costly to make, so they are kept. The course's `Store` is one SQLite file with documents, chunks and vectors. A second `add` embeds only what is
# new. How many of the notes are embedded again when one of them changes?

# %% id="predict-embedded"
my_embedded = None

# %% id="store-used"
folder = Path(tempfile.mkdtemp())
with Store(folder / "notes.db", embedder) as store:
    print("embedded:", store.add(notes.chunks(), progress=False))
with Store(folder / "notes.db", embedder) as store:
    changed = [
        Chunk(c.file, c.content.replace("nine", "eight"), c.heading, c.start, c.stop)
        for c in notes.chunks()
    ]
    print("embedded again:", store.add(changed, progress=False), "· you predicted", my_embedded)
    for hit in store.search("How early can I come?", k=2):
        print(f"{hit.score:.2f}  {hit.chunk.file}  {hit.chunk.content}")

# %% [markdown] id="arithmetic"
# ## 4 · King − man + woman
#
# Directions carry meaning, it is said: *king − man + woman* is nearest to *queen*. Published results leave the three input words out of the search.
# Here are eight such sums, and only a few dozen words to search, which makes it easy. In how many is the wanted word nearest if the inputs stay in, in how many without them?

# %% id="predict-king"
my_nearest = {"with": None, "without": None}

# %% id="arithmetic-done"
WORDS = (
    "king queen man woman boy girl prince princess father mother uncle aunt son daughter actor "
    "actress brother sister waiter waitress husband wife Paris France Rome Italy Berlin Germany "
    "Madrid Spain throne crown palace knight table river music apple walk walked go went big "
    "bigger small smaller"
).split()
words = F.normalize(torch.from_numpy(embedder.encode(WORDS, show_progress_bar=False)), dim=1)
ANALOGIES = """king man woman queen; prince boy girl princess; uncle man woman aunt;
actor man woman actress; Paris France Italy Rome; Berlin Germany Spain Madrid;
big bigger smaller small; walk walked went go"""
right_with, right_without = 0, 0
for line in ANALOGIES.split(";"):
    start, minus, plus, wanted = line.split()
    inputs = [WORDS.index(w) for w in (start, minus, plus)]
    scores = words @ (words[inputs[0]] - words[inputs[1]] + words[inputs[2]])
    first = WORDS[scores.argmax()]
    scores[inputs] = -torch.inf
    second = WORDS[scores.argmax()]
    right_with, right_without = right_with + (first == wanted), right_without + (second == wanted)
    print(f"{start} - {minus} + {plus} = {first}; without the input words: {second}")
print(f"among {len(WORDS)} words: right with the inputs {right_with} of 8, without {right_without}")
print("you predicted", my_nearest)

# %% [markdown] id="pictures"
# Leaving the inputs out helps the arithmetic along: with *king* itself out of the way, little else is near a king. Compare the two
# counts before you believe in the geometry.
#
# ## 5 · One space for texts and pictures
#
# Two encoders, one for pictures and one for texts, are trained together: of `n` pictures and their `n` captions, each picture has to find its caption among all, and each
# caption its picture. That is the loss of CLIP.
#
# ## Exercise 8.5 · The contrastive loss
#
# difficulty ●●●○○ · 20 minutes · 5 points
#
# **Goal.** InfoNCE in both directions. Logits are cosines divided by the temperature; row `i` of images belongs to row `i` of texts.
# The loss is the mean of two cross-entropies: image to text, text to image. It is finite at low temperatures, and gradients reach both.
#
# `info_nce(images [n, width], texts [n, width], temperature) -> a scalar tensor`, in nats
#
# <details><summary>Hint 1: the idea</summary>
#
# A table of `n` by `n` cosines is `n` questions with `n` choices each, read by rows; and `n` others, read by columns. The right answer is on the diagonal.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# logits = unit images times unit texts, transposed, / temperature
# labels = 0, 1, …, n - 1
# return (cross_entropy(logits, labels) + cross_entropy(logits transposed, labels)) / 2
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `F.cross_entropy` takes logits: a softmax before it is one too many. `exp` of a logit of 2000 is infinite; the library subtracts the
# largest first.
#
# </details></details></details>


# %% id="info-nce" tags=["exercise"]
def info_nce(
    images: Float[Tensor, "n width"], texts: Float[Tensor, "n width"], temperature: float
) -> Float[Tensor, ""]:
    """The contrastive loss of n pairs, in both directions."""
    ### BEGIN SOLUTION
    logits = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature
    labels = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    ### END SOLUTION


# %% id="info-nce-check" tags=["check"]
check("embeddings.info_nce", info_nce)
info_nce = mine_or_reference("embeddings.info_nce", info_nce)

# %% [markdown] id="live-training"
# We train a small CLIP on your loss, for 120 steps on scenes of one group: six colors, four shapes, one to three of them. Of 72 pictures, a
# caption finds the right one by chance once in 72 times, a share of 0.01. What share after 120 steps?

# %% id="predict-trained"
my_share = None

# %% id="live-trained"
singles = [scenes.Scene(group) for group in scenes.groups()]
small = build_model(Settings(width=64, image_blocks=2, text_blocks=2))
tokens = tokenizer()
optimizer = torch.optim.Adam(small.parameters(), lr=2e-3)
losses = []
for step in range(120):
    images, captions = embed(small, tokens, *batch_inputs(singles, step))
    loss = info_nce(images, captions, temperature=0.1)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append((step, loss.item()))
with torch.no_grad():
    images, captions = embed(small, tokens, *batch_inputs(singles, "held out"))
_, found = ExactSearch(images).search(captions, 5)
one = recall_at_k(found, [{i} for i in range(72)], 1)
print(f"loss {losses[0][1]:.1f} at first, {losses[-1][1]:.1f} at the end")
print(f"share of captions that find their picture first: {one:.1f} · you predicted {my_share}")
print("more than five times as often as by chance:", one > 5 / 72)
show(
    curves({"InfoNCE": losses}, "step", "loss (nats)"),
    f"The loss falls from {losses[0][1]:.1f} to {losses[-1][1]:.1f} nats in 120 steps.",
)

# %% [markdown] id="bundled"
# The course's own model was trained so for longer, on scenes of two groups: *a red circle above two blue squares*. A fifth of all such combinations
# it never saw. A thousand of these go into a store, as pictures, without their captions. In what share of cases is the right picture among the first five of its caption?

# %% id="predict-recall"
my_recall = None

# %% id="bundled-searched"
clip = load_clip()
chosen = scenes.gallery(1000)
pictures = folder / "scenes"
pictures.mkdir()
for i, scene in enumerate(chosen):
    scenes.picture(scene, seed=i).save(pictures / f"{i:04}.png")
files = sorted(pictures.glob("*.png"))
store = Store(folder / "scenes.db", clip)
store.add([Chunk(file.name, file) for file in files], progress=False)
captions = torch.from_numpy(clip.encode([s.caption for s in chosen], show_progress_bar=False))
_, found = ExactSearch(store.matrix).search(captions, 5)
for k in (1, 5):
    print(f"recall@{k}: {recall_at_k(found, [{i} for i in range(1000)], k):.2f}")
print("you predicted", my_recall, "for 5")


# %% [markdown] id="contact-sheets"
# Any text or picture can be the query. Your own photos are searched in the same way with a model that knows the world: section 8 gives `Store` a CLIP
# of the Hub and the paths of your pictures.


# %% id="contact-sheet"
def found_pictures(query, k: int = 6) -> Picture:
    """The k nearest scenes to a caption or a picture, with their scores."""
    hits = store.search(query, k)
    names = [chosen[int(hit.chunk.content.stem)].caption for hit in hits]
    labels = [f"{hit.score:.2f}\n{name}" for hit, name in zip(hits, names, strict=True)]
    title = query if isinstance(query, str) else f"like {query.name}"
    fig = contact_sheet([hit.chunk.content for hit in hits], labels, title=title)
    alt = f"The {len(hits)} nearest to {title!r}; first {names[0]}, at {hits[0].score:.2f}."
    return Picture(fig, alt, state=f"{title} k={k}")


wish = "a red circle above two blue squares"
print("this scene is among them:", wish in [scene.caption for scene in chosen])
display(found_pictures(wish), found_pictures(files[7]))

# %% [markdown] id="approximate"
# The scene of the caption is not among the thousand; what is nearest differs from it in the relation alone. A picture of the store finds
# itself, at 1.00.
#
# ## 6 · Not comparing with everything
#
# Exact search touches every vector. An **inverted file** (IVF) sorts the vectors into cells around centroids and looks only into the cells nearest to the
# query. What it may lose: a neighbor just across a border.
#
# ## Exercise 8.6 · An inverted file
#
# difficulty ●●●○○ · 25 minutes · 5 points
#
# **Goal.** All vectors have length 1, near is a large inner product. `__init__` puts each vector into the cell of its nearest centroid. `search` finds the
# `n_probe` nearest cells (all, if there are not as many), compares the query with their members only, and returns the `k` best, or those that there are; a cell may be empty. `indices` are rows of `vectors`.
#
# `IVF(vectors [n, width], centroids [cells, width]).search(query [width], k, n_probe) -> (scores [k], indices [k])`
#
# <details><summary>Hint 1: the idea</summary>
#
# Keep a list of row numbers for each cell. A search is two searches: among centroids, then among a few rows.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# __init__: cell of each vector = argmax of vectors times centroids, transposed
#           members of cell c   = numbers of the rows whose cell is c
# search:   cells = the min(n_probe, number of cells) nearest centroids
#           rows  = their members, joined
#           top   = the min(k, len(rows)) best of vectors[rows] times query
#           return top values, rows at the top's places
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `topk` over the candidates gives places among the candidates. The caller wants rows of the corpus: `rows[top.indices]`.
#
# </details></details></details>


# %% id="ivf" tags=["exercise"]
class IVF:
    """An inverted file over vectors of length 1."""

    def __init__(self, vectors: Float[Tensor, "n width"], centroids: Float[Tensor, "cells width"]):
        ### BEGIN SOLUTION
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]
        ### END SOLUTION

    def search(
        self, query: Float[Tensor, "width"], k: int, n_probe: int
    ) -> tuple[Float[Tensor, "k"], Int[Tensor, "k"]]:
        ### BEGIN SOLUTION
        cells = (self.centroids @ query).topk(min(n_probe, len(self.centroids))).indices
        rows = torch.cat([self.members[c] for c in cells])
        top = (self.vectors[rows] @ query).topk(min(k, len(rows)))
        return top.values, rows[top.indices]
        ### END SOLUTION


# %% id="ivf-check" tags=["check"]
check("embeddings.ivf", IVF)
IVF = mine_or_reference("embeddings.ivf", IVF)

# %% [markdown] id="recall-work"
# Ten thousand vectors of width 96 in clusters that overlap, 100 cells. To have 95 % of the ten nearest, with how many vectors must a query be compared, in percent of the ten thousand?
# (The 100 centroids count too.)

# %% id="predict-work"
my_work = None

# %% id="ivf-measured"
generator = torch.Generator().manual_seed(0)
centers = torch.randn(300, 96, generator=generator)
cluster = torch.randint(300, (10_200,), generator=generator)
points = F.normalize(centers[cluster] + 1.3 * torch.randn(10_200, 96, generator=generator), dim=1)
points, queries = points[:10_000], points[10_000:]
exact = ExactSearch(points).search(queries, 10)[1]
wanted = [set(row) for row in exact.tolist()]
centroids = kmeans(points, 100)
ivf = IVF(points, centroids)
by_ivf, n_members = [], torch.bincount((points @ centroids.T).argmax(1), minlength=100)
for n_probe in (1, 2, 4, 8, 16, 32):
    found = torch.stack([ivf.search(query, 10, n_probe)[1] for query in queries])
    cells = (queries @ centroids.T).topk(n_probe).indices
    compared = len(centroids) + n_members[cells].sum(1).double().mean().item()
    share = compared / len(points)
    by_ivf.append((100 * share, recall_at_k(found, wanted, 10)))
for share, recall in by_ivf:
    print(f"{share:5.1f} % of the vectors: recall@10 {recall:.2f}")
print("you predicted", my_work)

# %% [markdown] id="hnsw"
# **HNSW** is a graph instead: each vector is linked to some near ones, and a search walks from link to link towards the query. `efSearch` says how many
# candidates it keeps on the way. FAISS counts the comparisons for us. Which of the two needs fewer for the same recall?

# %% id="predict-hnsw"
my_better = None

# %% id="hnsw-measured"
faiss.omp_set_num_threads(1)  # one thread builds the same graph every time
graph = faiss.IndexHNSWFlat(96, 16, faiss.METRIC_INNER_PRODUCT)
graph.hnsw.efConstruction = 80
graph.add(points.numpy())
by_hnsw = []
for candidates in (10, 20, 40, 80, 160):
    graph.hnsw.efSearch = candidates
    faiss.cvar.hnsw_stats.reset()
    found = torch.from_numpy(graph.search(queries.numpy(), 10)[1])
    share = faiss.cvar.hnsw_stats.ndis / len(queries) / len(points)
    by_hnsw.append((100 * share, recall_at_k(found, wanted, 10)))
for share, recall in by_hnsw:
    print(f"HNSW: {share:4.1f} % of the vectors, recall@10 {recall:.2f}")
print("you predicted", my_better)


# %% id="hnsw-times"
def milliseconds(search) -> float:
    """For one query, the median of all."""
    times = []
    for query in queries:
        start = perf_counter()
        search(query)
        times.append(1000 * (perf_counter() - start))
    return median(times)


graph.hnsw.efSearch = 40
exact_ms = milliseconds(lambda query: (points @ query).topk(10))
graph_ms = milliseconds(lambda query: graph.search(query[None].numpy(), 10))
lines = {"IVF by hand": by_ivf, "HNSW": by_hnsw}
title = f"one query: exact {exact_ms:.2f} ms, HNSW (efSearch 40) {graph_ms:.2f} ms"
best = {name: max(recall for _, recall in line) for name, line in lines.items()}
show(
    curves(lines, "vectors compared (% of 10,000)", "recall@10", log_x=True, title=title),
    "Recall@10 against the share of vectors compared: "
    + ", ".join(f"{name} up to {recall:.2f}" for name, recall in best.items())
    + ".",
)

# %% [markdown] id="times"
# The figure's title has the times on your machine. They differ by less than the comparisons do: a matrix product is what a processor does
# best, a walk along links is not. With more vectors the walk gains: for 10 and 100 thousand of width 384, the repository's
# `tests/benchmarks/retrieval.py` measures exact search and HNSW side by side.
#
# ## 7 · Explore
#
# The model knows `a`, `two`, `three`; red, green, blue, yellow, purple and black; circles, squares, triangles and stars; `above`, `below`, `left of`, `right of`.
# Type a query in these words, or choose a scene by its number (leave the text empty). What happens if you ask for
# something no picture shows? For a word it does not know?


# %% id="explorer"
def explore(query: str, scene: int, k: int) -> Picture:
    """The contact sheet for a text, or for a scene where the text is empty."""
    return found_pictures(query if query.strip() else files[scene], k)


explorer(
    explore,
    query=text_box("three black stars above two yellow squares"),
    scene=slider(0, 0, 999, 1),
    k=menu(6, [3, 6, 9, 12]),
)

# %% [markdown] id="explorer-seen"
# There is always a nearest: a search answers also what nothing answers. The scores say how sure to be, and where to draw a line has to be
# measured.
#
# ## 8 · On a real model
#
# Four more, fetched once from the Hub: a model of questions and answers (its documentation prints 0.4659, 0.6142 and 0.2697 for these; what do
# you get?), a multilingual one, a **cross-encoder** that reads question and answer together and ranks the few that were found again, and a CLIP over your own photos.

# %% id="on-a-real-model"
REAL_MODEL = None  # "sentence-transformers/multi-qa-mpnet-base-cos-v1"
PHOTOS = None  # a folder with .jpg files, such as "~/Pictures"

if REAL_MODEL is None:
    print("Not run: set REAL_MODEL to an embedder of the Hub, and PHOTOS to a folder if you like.")
else:
    from sentence_transformers import CrossEncoder

    passages = [
        "London is known for its financial district",
        "London has 9,787,426 inhabitants at the 2011 census",
        "The United Kingdom is the fourth largest exporter of goods in the world",
    ]
    real = load_embedder(REAL_MODEL)
    print(real.similarity(real.encode_query("How big is London"), real.encode_document(passages)))
    many = load_embedder("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2")
    pair = many.encode(["The weather is lovely today.", "Das Wetter ist heute schön."])
    print("English and German:", many.similarity(pair[:1], pair[1:]))
    ranker = CrossEncoder("cross-encoder/ms-marco-MiniLM-L6-v2")
    print("read together:", ranker.predict([("How big is London", p) for p in passages]))
    if PHOTOS is not None:
        photos = sorted(Path(PHOTOS).expanduser().rglob("*.jpg"))
        with Store(
            folder / "photos.db", load_embedder("sentence-transformers/clip-ViT-B-32")
        ) as own:
            own.add([Chunk(str(photo), photo) for photo in photos])
            print([hit.chunk.file for hit in own.search("a dog on a beach")])

# %% [markdown] id="remember"
# ## What to remember
#
# - On vectors of length 1 Euclid, dot and cosine rank alike. On others they do not; and a cosine distance goes up to 2.
# - A sentence's vector is a pooling of its tokens: the one that the model was trained with, and padding is no token.
# - Exact search is one matrix product, if the corpus is normalized once.
# - Meaning finds other words, words find names and numbers: search both ways.
# - A contrastive loss puts texts and pictures into one space: the wrong pairs of the batch are what it learns from.
# - Approximate indexes trade recall for work; measure recall against exact search, on your own vectors.
#
# **Where it fails.** A similarity is no probability, and no understanding: *not* hardly moved a vector in section 1. Numbers and names blur. What lies far
# from the training data, as photos do for our small CLIP, gets a vector too, and a nearest neighbor.
#
# ## Papers
#
# - Nils Reimers, Iryna Gurevych: [Sentence-BERT](https://arxiv.org/abs/1908.10084), 2019. Pooling, and how to train for similarity.
# - Aaron van den Oord, Yazhe Li, Oriol Vinyals: [Representation Learning with Contrastive Predictive Coding](https://arxiv.org/abs/1807.03748), 2018. InfoNCE.
# - Alec Radford et al.: [Learning Transferable Visual Models From Natural Language Supervision](https://arxiv.org/abs/2103.00020), 2021. CLIP; its figure 3 is exercise 8.5.
# - Yu. A. Malkov, D. A. Yashunin: [Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World graphs](https://arxiv.org/abs/1603.09320), 2016.
# - Tomas Mikolov, Wen-tau Yih, Geoffrey Zweig: [Linguistic Regularities in Continuous Space Word Representations](https://aclanthology.org/N13-1090/), 2013. King − man + woman.
# - Stephen Robertson, Hugo Zaragoza: [The Probabilistic Relevance Framework: BM25 and Beyond](https://doi.org/10.1561/1500000019), 2009.
