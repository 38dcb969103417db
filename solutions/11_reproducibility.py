# %% [markdown] id="title"
# # 11 · Reproducibility and tests
#
# A result that you cannot get twice is an anecdote. Here you make a training run repeat itself bit for bit, go on after a kill as if
# nothing had happened, and say what it was made from. Then you write the tests that tell a sound trainer from a broken one, and find out how
# good your tests are by breaking the trainer in 23 ways.
#
# 150 minutes. You need [00 · Sampling](00_sampling.ipynb); [01 · Anatomy](01_anatomy.ipynb) helps.
#
# At the end you will be able to
#
# - seed every stream of random numbers, those of worker processes too, and say what still differs between two machines;
# - write a checkpoint that resumes bit for bit and that no kill can destroy, and a record of a run;
# - test a model for its properties and a trainer for its behavior, and measure the tests by what they catch;
# - see an unstable training run coming, and name two remedies.

# %% id="bootstrap" tags=["setup"]

# %% id="imports" tags=["setup"]
import copy
import hashlib
import math
import multiprocessing
import os
import platform
import random
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from packaging.requirements import Requirement
from torch import Tensor, nn
from torch.utils.data import DataLoader, get_worker_info

from course_utils import trainers
from course_utils.checks import check, mine_or_reference
from course_utils.course_lm.corpus import texts
from course_utils.models import load_lm
from course_utils.plots import Picture, curves, show
from course_utils.reproducibility import Noisy, failed, same_run, trained, weights
from course_utils.trainers import PAD, Trainer
from course_utils.widgets import explorer, menu

# %% [markdown] id="seeds-question"
# ## 1 · The same numbers twice
#
# A training run draws from at least three streams of random numbers: Python's (shuffling, augmentation), NumPy's (data), torch's (weights,
# dropout). We call `torch.manual_seed(0)`, draw one number from each, and do both again. Which are the same?

# %% id="predict-streams"
my_streams = {"Python": None, "NumPy": None, "torch": None}


# %% id="one-stream-seeded"
def draw() -> dict[str, float]:
    return {"Python": random.random(), "NumPy": np.random.rand(), "torch": torch.rand(()).item()}


rows = []
for _ in range(2):
    torch.manual_seed(0)
    rows.append(draw())
for name in rows[0]:
    print(f"{name:6} the same: {rows[0][name] == rows[1][name]} · predicted {my_streams[name]}")

# %% [markdown] id="exercise-seed-everything"
# ## Exercise 11.1 · Seed everything
#
# difficulty ●○○○○ · 10 minutes · 3 points
#
# **Goal.** Seed the *global* streams of Python, NumPy and torch with `seed`, a whole number from 0 to 2³² − 1. Then ask torch for algorithms
# that give the same bits each time, and for an error where there is none; and keep cuDNN from choosing algorithms by a race (its `benchmark`).
#
# `seed_everything(seed) -> None`
#
# <details><summary>Hint 1: the idea</summary>
#
# Three libraries, three calls. Then two switches of torch.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# seed random, np.random and torch
# torch.use_deterministic_algorithms(...)
# torch.backends.cudnn.benchmark = ...
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `np.random.default_rng(seed)` makes a new stream and leaves the global one alone. And 0 is a seed: no `if seed:`.
#
# </details></details></details>


# %% id="seed-everything" tags=["exercise"]
def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch; ask for deterministic algorithms."""
    ### BEGIN SOLUTION
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    ### END SOLUTION


# %% id="seed-everything-check" tags=["check"]
check("reproducibility.seed_everything", seed_everything)
seed_everything = mine_or_reference("reproducibility.seed_everything", seed_everything)

# %% [markdown] id="deterministic-question"
# What does the switch do? Two things are to be seen without a GPU: memory that nobody wrote to is filled, so that reading it by mistake
# gives the same each time; and an operation whose result depends on who comes first raises. (On a GPU matrix products
# need an environment variable, set before the first of them, and say so in an error: hence the first line below.)

# %% id="deterministic"
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
seed_everything(0)
print("memory nobody wrote to:", torch.empty(3))
try:
    torch.zeros(2).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))
except RuntimeError as error:
    print("two numbers for one place:", str(error).split(",")[0])

# %% [markdown] id="order-question"
# What no seed can fix: floating-point addition is not associative. Two threads add two halves and then the halves; one thread goes from front
# to back; a GPU takes yet another order, and so may the next version of the library. Of 1,000 sums of 1,000 float32 numbers each, what share
# changes when the order does? And when the same sums are done in float64 and rounded to float32?

# %% id="predict-order"
my_shares = {"float32": None, "float64, rounded": None}


# %% id="order"
def added(numbers: np.ndarray, parts: int) -> np.ndarray:
    """Each row added from front to back in so many parts, then the parts."""
    total = np.zeros(len(numbers), numbers.dtype)
    for part in np.split(numbers, parts, axis=1):
        total = total + np.add.accumulate(part, axis=1)[:, -1]
    return total.astype(np.float32)


numbers = np.random.default_rng(0).normal(size=(1000, 1000)).astype(np.float32)
for name, dtype in (("float32", np.float32), ("float64, rounded", np.float64)):
    one, two = (added(numbers.astype(dtype), parts) for parts in (1, 2))
    share = f"{100 * np.mean(one != two):.0f} %"
    print(f"{name:17} {share:>5} of the sums differ · predicted {my_shares[name]}")
print("largest difference below 1e-3:", np.abs(added(numbers, 1) - added(numbers, 2)).max() < 1e-3)

# %% [markdown] id="workers-question"
# So "the same bits" holds for one machine, one number of threads, one set of versions. Across machines compare with a
# tolerance, and put the machine into the record.
#
# ## 2 · Workers
#
# A `DataLoader` with workers starts processes, and each gets a *copy* of the data set. Our data set `Noisy` keeps a NumPy generator and draws
# noise from it: item `i` is `(i, noise)`. Two workers, eight items, batches of two, no shuffling. What will the noise of worker 0 and of worker 1
# have in common? And that of the second epoch with that of the first?

# %% id="predict-workers"
my_workers = {"between the workers": None, "between epochs": None}

# %% id="workers"
# Processes that start as a copy of this one; where a system has none, everything stays here.
can_fork = "fork" in multiprocessing.get_all_start_methods()
WORKERS = {"num_workers": 2, "multiprocessing_context": "fork"} if can_fork else {}


def noise(loader: DataLoader) -> list[list[int]]:
    """An epoch: the noise of each batch. Batches go to the workers in turn."""
    return [batch[1].tolist() for batch in loader]


loader = DataLoader(Noisy(8), batch_size=2, **WORKERS)
first, second = noise(loader), noise(loader)
print("worker 0, worker 1, worker 0, worker 1:", *first)
print(
    "workers alike:", first[0::2] == first[1::2], "· predicted", my_workers["between the workers"]
)
print("epochs alike:", first == second, "· predicted", my_workers["between epochs"])

# %% [markdown] id="exercise-seeded-loader"
# Half of the noise is a repetition, in every epoch the same, and no error is raised. (torch seeds the *global* streams of a worker; what a
# data set keeps is yours to seed.)
#
# ## Exercise 11.2 · A loader whose workers are seeded
#
# difficulty ●●●○○ · 20 minutes · 4 points
#
# **Goal.** Return a `DataLoader` over `dataset` that shuffles, in batches of `batch_size`; `workers` (`num_workers` …) goes to it as it is. Its
# order comes from `seed` alone, whatever else in the program draws random numbers, and is another one in each epoch. In each
# worker `dataset.rng` becomes a new `np.random.default_rng(…)`, with another stream for each worker and each epoch, all fixed by `seed`.
#
# `seeded_loader(dataset, batch_size, seed, **workers) -> DataLoader`
#
# <details><summary>Hint 1: the idea</summary>
#
# `generator` fixes the order. `worker_init_fn(worker_id)` is called inside each worker, and there `get_worker_info()` knows the worker's copy of
# the data set, and a seed.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# def seed_worker(worker_id):
#     info = get_worker_info()
#     info.dataset.rng = a new generator, from info.seed
# generator = a torch generator of your own, seeded
# return DataLoader(dataset, batch_size, shuffle, generator, worker_init_fn, workers)
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `default_rng(worker_id)` is another stream in each worker, but the same in every epoch. `info.seed` is drawn anew from the loader's
# generator in each epoch, and the worker's number is added to it.
#
# </details></details></details>


# %% id="seeded-loader" tags=["exercise"]
def seeded_loader(dataset, batch_size: int, seed: int, **workers) -> DataLoader:
    """A shuffling loader; order and the workers' dataset.rng come from the seed."""
    ### BEGIN SOLUTION

    def seed_worker(worker_id: int) -> None:
        info = get_worker_info()
        info.dataset.rng = np.random.default_rng(info.seed)

    generator = torch.Generator().manual_seed(seed)
    return DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        generator=generator,
        worker_init_fn=seed_worker,
        **workers,
    )
    ### END SOLUTION


# %% id="seeded-loader-check" tags=["check"]
check("reproducibility.seeded_loader", seeded_loader)
seeded_loader = mine_or_reference("reproducibility.seeded_loader", seeded_loader)

# %% id="workers-again"
epochs = []
for _ in range(2):  # the same loader made twice, two epochs of each
    torch.rand(1)  # whatever else draws
    loader = seeded_loader(Noisy(8), batch_size=2, seed=3, **WORKERS)
    epochs.append([[batch.tolist() for batch in map(torch.stack, loader)] for _ in range(2)])
drawn = [number for epoch in epochs[0] for _, numbers in epoch for number in numbers]
print("noise in two epochs:", len(drawn), "numbers,", len(set(drawn)), "different")
print("the same again:", epochs[0] == epochs[1] or not WORKERS)

# %% [markdown] id="checkpoint-question"
# ## 3 · Going on after a kill
#
# A run is killed and resumed from its checkpoint. For the losses to go on **bit for bit** the checkpoint must hold more than the weights. Which of
# these can be left out (you will try it below): the optimizer's state, the scheduler's, the position in the data, the seed, the random streams of Python, NumPy and torch?

# %% id="predict-left-out"
my_left_out = []

# %% [markdown] id="exercise-checkpoint"
# ## Exercise 11.3 · A checkpoint
#
# difficulty ●●●●○ · 40 minutes · 5 points
#
# **Goal.** `Checkpoint(model, optimizer, scheduler, data)`; all four offer `state_dict()` and `load_state_dict(state)`.
#
# - `save(path)` writes the states of all four, and where the **global random streams** of Python, NumPy and torch stand, into one file at `path`.
# - `load(path)`, in another process, puts all of it back.
# - A kill at any moment leaves the last whole checkpoint at `path`: the new one is written beside it, **in the same folder**, and takes its name
#   by `os.replace`, which the file system does at once. After a save nothing else is left there; a save that fails raises.
#
# <details><summary>Hint 1: the idea</summary>
#
# One dict, one `torch.save`, one `os.replace`.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# save: saved = the four state_dict()s
#       saved["random"] = random.getstate(), NumPy's state, torch.get_rng_state()
#       write saved to path + ".part", then os.replace(that, path)
# load: saved = torch.load(path); four load_state_dict()s
#       random.setstate, np.random.set_state, torch.set_rng_state
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `torch.load` reads only tensors and plain values, since a pickle can run any code. NumPy's state is a tuple that holds an array: keep
# `array.tolist()`. And a seed is no state: it leads back to the start.
#
# </details></details></details>


# %% id="checkpoint" tags=["exercise"]
class Checkpoint:
    """All that a run needs to go on, in one file that is whole or absent."""

    def __init__(self, model, optimizer, scheduler, data):
        self.parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "data": data}

    def save(self, path: Path) -> None:
        ### BEGIN SOLUTION
        saved = {name: part.state_dict() for name, part in self.parts.items()}
        kind, keys, *rest = np.random.get_state()
        saved["random"] = random.getstate(), (kind, keys.tolist(), *rest), torch.get_rng_state()
        part = Path(f"{path}.part")
        with part.open("wb") as file:
            torch.save(saved, file)
            file.flush()
            os.fsync(file.fileno())  # on the disk, not only on its way
        os.replace(part, path)
        ### END SOLUTION

    def load(self, path: Path) -> None:
        ### BEGIN SOLUTION
        saved = torch.load(path)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        of_python, of_numpy, of_torch = saved["random"]
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        torch.set_rng_state(of_torch)
        ### END SOLUTION


# %% id="checkpoint-check" tags=["check"]
check("reproducibility.checkpoint", Checkpoint)
Checkpoint = mine_or_reference("reproducibility.checkpoint", Checkpoint)


# %% id="a-run"
class Data:
    """Batches in an order of their own; Python flips them, NumPy adds noise."""

    def __init__(self):
        self.order, self.position = torch.randperm(100).tolist(), 0

    def next(self) -> Tensor:
        x = torch.linspace(-1, 1, 100).roll(self.order[self.position])[:32].reshape(8, 4)
        self.position += 1
        x = x + torch.from_numpy(np.random.normal(0, 0.1, (8, 4))).float()
        return -x if random.random() < 0.5 else x

    def state_dict(self) -> dict:
        return {"order": self.order, "position": self.position}

    def load_state_dict(self, state: dict) -> None:
        self.order, self.position = state["order"], state["position"]


def begin(seed: int) -> tuple:
    seed_everything(seed)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.95**step)
    return model, optimizer, falling, Data()


# %% id="killed"
def train(parts: tuple, path: Path, steps: int, killed_at: int | None = None) -> list[float]:
    """A checkpoint after every step; a kill comes in the middle of one."""
    (model, optimizer, scheduler, data), losses = parts, []
    while data.position < steps:
        x = data.next()
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        if data.position == killed_at:
            raise KeyboardInterrupt
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        Checkpoint(*parts).save(path)
    return losses


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "run.pt"
    unbroken = train(begin(0), path, 40)
    killed_at = random.SystemRandom().randint(2, 39)  # another step each time
    try:
        train(begin(0), path, 40, killed_at)
    except KeyboardInterrupt:
        resumed = begin(99)  # a new process: nothing is as it was
        Checkpoint(*resumed).load(path)
        losses = train(resumed, path, 40)
print("equal bits after the kill:", losses == unbroken[killed_at - 1 :])


# %% id="left-out"
def without(part: str) -> bool:
    """Whether a run goes on to the same losses when one part stays that of another run."""
    parts = begin(0)
    train(parts, path, 10)
    saved = copy.deepcopy([p.state_dict() for p in parts])
    streams = random.getstate(), np.random.get_state(), torch.get_rng_state()
    right = train(parts, path, 20)
    parts = begin(99)
    train(parts, path, 5)
    names = ("model", "optimizer", "scheduler", "data", "Python", "NumPy", "torch")
    put_back = [p.load_state_dict for p in parts]
    put_back += [random.setstate, np.random.set_state, torch.set_rng_state]
    for name, restore, state in zip(names, put_back, (*saved, *streams), strict=True):
        if name != part:
            restore(state)
    return train(parts, path, 20) == right


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "run.pt"
    for part in ("the seed", "optimizer", "scheduler", "data", "Python", "NumPy", "torch"):
        print(f"without {part:9} equal bits: {without(part)}")
print("you would leave out", my_left_out)

# %% [markdown] id="exercise-run-record"
# ## 4 · What was that run?
#
# Half a year later a number is in doubt. The weights alone do not say with which code, settings, data and versions they were made.
#
# ## Exercise 11.4 · The record of a run
#
# difficulty ●●●○○ · 25 minutes · 4 points
#
# **Goal.** A dict that `json.dumps` takes, with
#
# - `commit`: the full hash of the commit that is checked out in the repository that holds `folder` (which may lie anywhere inside it), and
#   `diff`: how all tracked files differ from it, **staged or not** (the empty text where none does); both None where there is no repository;
# - `settings`: as they are now, whatever happens to the dict later;
# - `environment`: the versions of `python`, `torch`, `numpy`, and `platform.platform()` as `platform`;
# - `data`: for each of `files`, by its path as a string, the SHA-256 of its bytes in hex.
#
# `run_record(settings, files, folder) -> dict`
#
# <details><summary>Hint 1: the idea</summary>
#
# Ask git, `hashlib`, `platform` and `importlib.metadata`.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# commit = what `git -C folder rev-parse HEAD` prints, stripped, or None if it fails
# diff   = what `git -C folder diff HEAD` prints, or None if it fails
# data   = {str(file): sha256 of file.read_bytes()}
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# `git diff` without `HEAD` leaves out what is staged. `dict(settings)` copies the outermost level alone.
#
# </details></details></details>


# %% id="run-record" tags=["exercise"]
def run_record(settings: dict, files: list[Path], folder: Path) -> dict:
    """Commit, diff, settings, environment and data of a run, for JSON."""
    ### BEGIN SOLUTION

    def git(*arguments: str) -> str | None:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True)
        return done.stdout.strip("\n") if done.returncode == 0 else None

    return {
        "commit": git("rev-parse", "HEAD"),
        "diff": git("diff", "HEAD"),
        "settings": copy.deepcopy(settings),
        "environment": {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "torch": version("torch"),
            "numpy": version("numpy"),
        },
        "data": {str(file): hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files},
    }
    ### END SOLUTION


# %% id="run-record-check" tags=["check"]
check("reproducibility.run_record", run_record)
run_record = mine_or_reference("reproducibility.run_record", run_record)

# %% id="a-record"
WHO = ["-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "commit.gpgsign=false"]
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    (folder / "train.py").write_text("rate = 0.1\n")
    (folder / "corpus.txt").write_text("the cat sat on the mat\n")
    for command in (["init", "-q"], ["add", "train.py"], [*WHO, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", folder, *command], check=True)
    (folder / "train.py").write_text("rate = 0.3\n")
    record = run_record({"seed": 0}, [folder / "corpus.txt"], folder)
print("commit of", len(record["commit"]), "digits; since then:")
print(*[line for line in record["diff"].splitlines() if line.startswith(("-r", "+r"))], sep="\n")
print("settings", record["settings"], "· environment", list(record["environment"]))
print("data", [digest[:12] for digest in record["data"].values()])
candidates = ("2.5.1", "2.6.0", "2.9.1", "3.0.0")
for line in ("torch", "torch>=2.6", "torch>=2.6,<3", "torch~=2.6.0", "torch==2.9.1"):
    accepted = [v for v in candidates if Requirement(line).specifier.contains(v)]
    print(f"{line:15} accepts {', '.join(accepted)}")

# %% [markdown] id="unit-test"
# A commit without its diff is the hash of code that never ran. The record tells **which** versions ran; an environment file brings them back. There
# are two kinds, for two purposes: *ranges* say what the code works with (`pyproject.toml` of a library), *pins* say what it ran with
# (`pip freeze`, `constraints.txt`, a conda export). The last lines above: which versions a line would accept.
#
# ## 5 · A unit test of training
#
# Code that trains can be wrong and still train. A first test, of the kind that every project should have: train two steps, save, load in
# a new trainer, compare **every tensor**, go on with both, compare again. `Trainer` is a small one: a decoder of one block, data of its
# own, `step()`, `evaluate(ids)`, `save(path)`, `load(path)`. (`help(trainers)` lists all that it offers.)


# %% id="two-steps"
def same_tensors(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


with tempfile.TemporaryDirectory() as folder:
    path, trainer = Path(folder) / "trainer.pt", Trainer(seed=0)
    losses = [trainer.step(), trainer.step()]
    trainer.save(path)
    went_on = trainer.step(), trainer.model.state_dict()
    loaded = Trainer(seed=1)
    loaded.load(path)
    went_on_too = loaded.step(), loaded.model.state_dict()
print("the same loss:", went_on[0] == went_on_too[0])
print("all tensors the same:", same_tensors(went_on[1], went_on_too[1]))

# %% [markdown] id="guess-question"
# Two more that cost nothing. Before any training the model can only guess: with $V$ tokens the loss should be near $\log V$. And
# one batch, seen again and again, must be learned by heart. Here $V = 19$.

# %% id="guess"
trainer = Trainer(seed=0)
ids = trainer.batch(0)
print(f"log V = {math.log(trainer.vocabulary):.1f}, at the start {trainer.evaluate(ids):.1f}")
for _ in range(25):
    trainer.step(ids)
print("one batch by heart, a loss below 0.5:", trainer.evaluate(ids) < 0.5)

# %% [markdown] id="future-text"
# And one that looks inside: no gradient may come from the future. $\partial\,\text{logits}_t / \partial\,\text{embedding}_s$ is zero for
# $s > t$. Here for the sound trainer's model and for one without a causal mask; `1` where the gradient is not zero.


# %% id="no-gradient-from-the-future"
def influence(model, ids: Tensor) -> Tensor:
    """[t, s]: the norm of the gradient of the logits at t with respect to the embedding at s."""
    kept = []
    handle = model.tokens.register_forward_hook(lambda m, a, out: kept.append(out))
    logits = model.eval()(ids)
    handle.remove()
    total = logits.square().sum((0, 2))
    rows = [torch.autograd.grad(x, kept[0], retain_graph=True)[0].norm(dim=(0, 2)) for x in total]
    return torch.stack(rows)


ids = Trainer(0).batch(0)[-1:, :6]
both = {kind: influence(kind(0).model, ids) for kind in (Trainer, trainers.SeesFuture)}
for rows in zip(*both.values(), strict=True):
    print("     ".join(" ".join(str(int(x > 0)) for x in row) for row in rows))

# %% [markdown] id="exercise-properties"
# ## Exercise 11.5 · Three properties of a language model
#
# difficulty ●●●○○ · 30 minutes · 4 points
#
# **Goal.** `model(ids [rows, length])` returns logits `[rows, length, vocabulary]`; token 0 pads, and there is none in `ids`; no two rows have
# the same token at the same place. Say which properties hold, as `{"causal": …, "rows": …, "padding": …}`:
#
# - `causal`: in texts of one length, the logits at a position do not depend on later tokens: no position's on any later one;
# - `rows`: nor does any row's on the other rows of the batch;
# - `padding`: nor on padding behind the text.
#
# Ask it without dropout. Differences below 1e-4 of the largest |logit| are rounding. Leave the model as you found it: its mode, its
# weights, its gradients.
#
# `properties(model, ids) -> dict[str, bool]`
#
# <details><summary>Hint 1: the idea</summary>
#
# Change what must not matter, and compare what must not change: for *every* position, and for *every* row.
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# logits = model(ids)
# for t in 1 … length-1: other tokens from t on; the logits before t are the same
# for each row:          the row alone; its logits are the same
# ids with zeros behind: the logits of the text are the same
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# One test in the middle misses a leak elsewhere. A text that is cut short has another *length*: change tokens instead.
# And `model.eval()` needs its way back, in `finally`.
#
# </details></details></details>


# %% id="properties" tags=["exercise"]
@torch.no_grad()
def properties(model, ids: Tensor) -> dict[str, bool]:
    """Whether the model is causal, and blind to other rows and to padding."""
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    try:
        logits = model(ids)
        tolerance = 1e-4 * logits.abs().max()

        def same(one: Tensor, other: Tensor) -> bool:
            return bool((one - other).abs().max() < tolerance)

        others, n = ids.roll(1, 0), ids.shape[1]
        changed = {t: torch.cat([ids[:, :t], others[:, t:]], 1) for t in range(1, n)}
        return {
            "causal": all(same(model(x)[:, :t], logits[:, :t]) for t, x in changed.items()),
            "rows": all(same(model(row)[0], logits[i]) for i, row in enumerate(ids.split(1))),
            "padding": same(model(F.pad(ids, (0, 2), value=PAD))[:, :n], logits),
        }
    finally:
        model.train(was_training)
    ### END SOLUTION


# %% id="properties-check" tags=["check"]
check("reproducibility.properties", properties)
properties = mine_or_reference("reproducibility.properties", properties)


# %% id="properties-tried"
class Logits(nn.Module):
    """A model of transformers as a function from ids to logits."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids):
        return self.model(ids).logits


course_lm, tokenizer = load_lm(dtype="float32")
ids = torch.arange(100, 124, device=course_lm.device).reshape(3, 8)
print(f"{'course-lm':16}", properties(Logits(course_lm), ids))
few = torch.arange(1, 13).reshape(2, 6)
for kind in (Trainer, *trainers.BROKEN["the model"]):
    print(f"{kind.__name__:16}", properties(trained(kind(0)).model, few))

# %% [markdown] id="exercise-trainer-tests"
# ## 6 · Who tests the tests?
#
# **Mutation testing**: break the code on purpose, once in each way that you can think of, and count how often the tests notice. A test that nothing can fail
# is worth nothing; one that refuses sound code is worth less.
#
# ## Exercise 11.6 · A test suite for a trainer
#
# difficulty ●●●●● · 50 minutes · 8 points
#
# **Goal.** A class whose methods `test_…(self, make)` use `assert`. `make(seed)` gives a new trainer, which offers what `help(trainers)` lists.
# Your suite is run on 23 trainers that are broken, each in one way, and has to fail them all: in
# the loss, the model, the step (learning, rates, gradients), seed and data, the checkpoint, the evaluation. And on 5
# sound ones, which it has to pass: of other sizes and precision, with another optimizer, schedule or start, with or without dropout. Add
# methods as you like.
#
# `trained(trainer)` takes two steps, `weights(trainer)` copies the parameters, `same_run(a, b)` asks whether the next step of both ends in
# the same bits. Dropout draws from torch's global stream: run one trainer to its end before you make the next.
#
# <details><summary>Hint 1: the idea</summary>
#
# Ask what a trainer *does*, not how it is written. The bug is in there somewhere: which two numbers would no longer be equal?
#
# <details><summary>Hint 2: pseudocode</summary>
#
# ```
# loss:       evaluate(ids) against the loss by hand, from model(ids); at first near log V
# model:      properties
# learning:   one batch by heart; every parameter changes; the rate is rate(step)
# gradients:  clear them in a twin before a step: the step must not notice
# seed, data: same seed, same weights; other seed, others; step() takes batch(0), batch(1) …
# checkpoint: save, go on; load in make(1), go on: the same losses and weights
# evaluation: twice the same; a run with evaluations in between ends in the same weights
# ```
#
# <br><details><summary>Hint 3: the line people get wrong</summary>
#
# At the start too much is equal: averages are zero, a zero unembedding stops all other gradients. Test after a few steps,
# and on a batch with padding: `batch(…)` has some in all rows but the last.
#
# </details></details></details>


# %% id="trainer-tests" tags=["exercise"]
class TrainerTests:
    """Methods test_…(self, make); make(seed) gives a new trainer."""

    def test_loss(self, make) -> None:
        ### BEGIN SOLUTION
        trainer = make(0)
        assert abs(trainer.evaluate(trainer.batch(0)) - math.log(trainer.vocabulary)) < 0.5
        ids = trained(trainer).batch(100)
        with torch.no_grad():
            logs = trainer.model.eval()(ids)[:, :-1].log_softmax(-1)
        losses = -logs.gather(-1, ids[:, 1:, None])[..., 0]
        assert abs(losses[ids[:, 1:] != PAD].mean() - trainer.evaluate(ids)) < 1e-4
        ### END SOLUTION

    def test_model(self, make) -> None:
        ### BEGIN SOLUTION
        trainer = trained(make(0))
        ids = trainer.batch(100)[-1:]
        other = ids % (trainer.vocabulary - 1) + 1
        assert all(properties(trainer.model, torch.cat([ids, other])).values())
        ### END SOLUTION

    def test_learning(self, make) -> None:
        ### BEGIN SOLUTION
        trainer = make(0)
        ids, before = trainer.batch(0), weights(trainer)
        first = trainer.evaluate(ids)
        for _ in range(10):
            trainer.step(ids)
        assert trainer.evaluate(ids) < 0.9 * first
        assert not any(map(torch.equal, before, weights(trainer)))
        ### END SOLUTION

    def test_steps(self, make) -> None:
        ### BEGIN SOLUTION
        trainer, twin = trained(make(0)), trained(make(0))
        for parameter in twin.model.parameters():
            parameter.grad = None
        assert same_run(trainer, twin)
        assert trainer.optimizer.param_groups[0]["lr"] == trainer.rate(2)
        ### END SOLUTION

    def test_seed_and_data(self, make) -> None:
        ### BEGIN SOLUTION
        one, other = weights(trained(make(3))), weights(trained(make(4)))
        twin = make(3)
        for index in range(2):
            twin.step(twin.batch(index))
        assert all(map(torch.equal, one, weights(twin)))
        assert not any(map(torch.equal, one, other))
        ### END SOLUTION

    def test_checkpoint(self, make) -> None:
        ### BEGIN SOLUTION
        with tempfile.TemporaryDirectory() as folder:
            trainer = trained(make(0))
            trainer.save(Path(folder) / "checkpoint.pt")
            went_on = [trainer.step() for _ in range(2)]
            resumed = make(1)
            resumed.load(Path(folder) / "checkpoint.pt")
            assert [resumed.step() for _ in range(2)] == went_on
        assert all(map(torch.equal, weights(trainer), weights(resumed)))
        ### END SOLUTION

    def test_evaluation(self, make) -> None:
        ### BEGIN SOLUTION
        trainer = trained(make(0))
        ids, twin = trainer.batch(100), make(0)
        for _ in range(2):
            assert twin.evaluate(ids) == twin.evaluate(ids)
            twin.step()
        assert all(map(torch.equal, weights(trainer), weights(twin)))
        ### END SOLUTION


# %% id="trainer-tests-check" tags=["check"]
check("reproducibility.trainer_tests", TrainerTests)
TrainerTests = mine_or_reference("reproducibility.trainer_tests", TrainerTests)

# %% [markdown] id="matrix-question"
# How many of the 23 would the first unit test above have caught, two steps, save, load, compare? Below, who catches whom.

# %% id="predict-caught"
my_caught = None


# %% id="mutants"
class TwoSteps:
    """The unit test of section 5 as a suite."""

    def test_two_steps(self, make) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path, trainer = Path(folder) / "trainer.pt", trained(make(0))
            trainer.save(path)
            loss = trainer.step()
            loaded = make(1)
            loaded.load(path)
            assert loaded.step() == loss
            assert same_tensors(trainer.model.state_dict(), loaded.model.state_dict())


caught = {"two steps": 0, "your suite": 0}
for kinds in trainers.BROKEN.values():
    for kind in kinds:
        found = failed(TrainerTests, kind)
        caught["your suite"] += bool(found)
        caught["two steps"] += bool(failed(TwoSteps, kind))
        print(f"{kind.__name__:21}", ", ".join(name.removeprefix("test_") for name in found))
print("caught:", caught, "· predicted", my_caught)
print("sound ones refused:", sum(bool(failed(TrainerTests, kind)) for kind in trainers.SOUND))

# %% [markdown] id="instability-question"
# ## 7 · When a sound trainer blows up
#
# A run can be right in every line and fail: at a high learning rate the **attention logits** $q\cdot k/\sqrt{d}$ grow until attention looks at one
# token alone, and gradients vanish or explode; and the **output logits** drift, since softmax does not see a constant added to all. Large runs
# die of both. Wortsman et al. (2023) found both in small models, at high enough rates. Two remedies:
#
# - **qk-norm**: queries and keys are normed before they meet, so that their products grow with the norms' gains alone;
# - **z-loss**: $\log^2 Z$ times a small number is added to the loss, with $Z$ the sum of the exponentials of the logits. (Usual is
#   $10^{-4}$; our runs are short, so it is $10^{-2}$.)
#
# A decoder of two blocks reads the course's corpus as characters. We sweep the learning rate, with and without the remedies. Which one keeps the
# attention logits small? Up to which rate does the plain model train well, say to within 0.45 nats of its own best? (The first picture is the one to draw for a model of your own: how
# wide is the valley of good rates, and does a remedy widen it? The second shows a cause, which can be watched while a run still looks healthy.)

# %% id="predict-instability"
my_instability = {"keeps attention logits small": None, "highest rate of the plain one": None}


# %% id="small-decoder"
class Block(nn.Module):
    """Attention and FFN; `largest` is the largest attention logit of the last pass."""

    def __init__(self, width: int, heads: int, qk_norm: bool):
        super().__init__()
        self.heads, size = heads, width // heads
        self.qkv, self.out = (nn.Linear(width, n * width, bias=False) for n in (3, 1))
        self.norms = nn.ModuleList(nn.RMSNorm(width) for _ in range(2))
        norm = nn.RMSNorm if qk_norm else nn.Identity
        self.qk_norms = nn.ModuleList(norm(size) for _ in range(2))
        up, down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.ffn = nn.Sequential(up, nn.GELU(), down)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norms[0](x)).unflatten(-1, (3, self.heads, -1)).unbind(-3)
        q, k, v = (part.transpose(1, 2) for part in (self.qk_norms[0](q), self.qk_norms[1](k), v))
        logits = q @ k.mT / q.shape[-1] ** 0.5
        self.largest = logits.detach().abs()[..., mask].max().item()
        pattern = logits.masked_fill(~mask, -torch.inf).softmax(-1)
        x = x + self.out((pattern @ v).transpose(1, 2).flatten(2))
        return x + self.ffn(self.norms[1](x))


# %% id="unstable-run"
TEXT = torch.tensor(list("\n".join(texts(0, 400)).encode("ascii", "replace")))
LENGTH, ROWS, STEPS = 32, 8, 80


def run(rate: float, qk_norm: bool = False, z_weight: float = 0.0) -> list[tuple[float, ...]]:
    """For each step: loss, largest attention logit, |log Z|."""
    torch.manual_seed(0)
    embedding, blocks = nn.Embedding(128, 48), nn.ModuleList(Block(48, 2, qk_norm) for _ in "12")
    parts = nn.ModuleList([embedding, blocks, head := nn.Linear(48, 128, bias=False)])
    optimizer = torch.optim.AdamW(parts.parameters(), lr=rate, betas=(0.9, 0.95), fused=True)
    mask, seen = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril(), []
    for step in range(STEPS):
        starts = torch.randint(len(TEXT) - LENGTH - 1, (ROWS, 1))
        window = TEXT[starts + torch.arange(LENGTH + 1)]
        x = embedding(window[:, :-1])
        for block in blocks:
            x = block(x, mask)
        logits = head(F.rms_norm(x, (48,)))
        log_z, loss = logits.logsumexp(-1), F.cross_entropy(logits.mT, window[:, 1:])
        optimizer.zero_grad()
        (loss + z_weight * log_z.square().mean()).backward()
        optimizer.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / 10)
        optimizer.step()
        seen.append((loss.item(), max(b.largest for b in blocks), log_z.abs().mean().item()))
    return seen


# %% id="sweep"
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
KINDS = {
    "plain": {},
    "qk-norm": {"qk_norm": True},
    "z-loss": {"z_weight": 1e-2},
    "both": {"qk_norm": True, "z_weight": 1e-2},
}
sweep = {(kind, rate): run(rate, **options) for kind, options in KINDS.items() for rate in RATES}


def last(kind: str, rate: float, column: int) -> float:
    """The mean of the last ten steps; infinite where it is not a number."""
    mean = sum(row[column] for row in sweep[kind, rate][-10:]) / 10
    return mean if math.isfinite(mean) else math.inf


final = {kind: [(rate, last(kind, rate, 0)) for rate in RATES] for kind in KINDS}
logits = {kind: [(rate, last(kind, rate, 1)) for rate in RATES] for kind in KINDS}
for name, lines in (("loss after training", final), ("largest attention logit", logits)):
    low, thousandths = min(lines["plain"])[1], {}
    for kind, line in lines.items():
        thousandths[kind] = [(1000 * rate, value) for rate, value in line]
    alt = f"{name} against the learning rate, four kinds of model; plain at 0.001: {low:.1f}."
    show(curves(thousandths, "learning rate / 0.001", name, True, lines is logits), alt)

# %% id="sweep-read"
for kind in KINDS:
    best = min(value for _, value in final[kind])
    wide = [rate for rate, value in final[kind] if value < best + 0.45]
    size = "above 100" if last(kind, 0.1, 1) > 100 else "below 100"
    print(f"{kind:8} good up to {max(wide)}; largest attention logit at 0.1: {size}")
drift = {kind: last(kind, 0.01, 2) for kind in KINDS}
print("at 0.01 z-loss halves |log Z|:", 2 * drift["z-loss"] < drift["plain"])
print("you predicted", *my_instability.values())

# %% [markdown] id="explorer-text"
# ## 8 · Try it
#
# The runs of the sweep, step by step: one kind, one rate. What tells first that the run goes wrong, the loss or the attention logits?


# %% id="explorer"
def step_by_step(kind: str, rate: float) -> Picture:
    """One run: the plain function behind the menus."""
    rows = sweep[kind, rate]
    names = ("loss", "largest attention logit", "|log Z|")
    lines = {
        name: [(step, row[i]) for step, row in enumerate(rows, 1) if math.isfinite(row[i])]
        for i, name in enumerate(names)
    }
    fig = curves(lines, "step", "nats, logits", log_y=True, title=f"{kind}, rate {rate:g}")
    alt = f"{kind} at rate {rate:g}: loss, largest attention logit and |log Z| over {STEPS} steps; "
    alt += f"the first loss is {rows[0][0]:.1f}."
    return Picture(fig, alt, state=f"kind={kind} rate={rate:g}")


explorer(step_by_step, kind=menu("plain", list(KINDS)), rate=menu(0.1, list(RATES)))

# %% [markdown] id="real-model"
# ## 9 · On a real model
#
# Your property tests on any causal model of the Hub. Padding behind the text and no attention mask: a causal model does not see it. (In float32: 16 bits round off
# more than 1e-4.)

# %% id="on-a-real-model"
REAL_MODEL = None  # "Qwen/Qwen2.5-0.5B-Instruct"

if REAL_MODEL is None:
    print('Not run: set REAL_MODEL to a model of the Hub, such as "Qwen/Qwen2.5-0.5B-Instruct".')
else:
    real, _ = load_lm(REAL_MODEL, dtype="float32")
    print(properties(Logits(real), torch.arange(100, 124, device=real.device).reshape(3, 8)))

# %% [markdown] id="remember"
# ## What to remember
#
# - Three global streams, and every stream that an object keeps: seed them all. A worker has copies: give each its own, from the loader's generator.
# - The same bits hold for one machine and one set of versions. Elsewhere compare with a tolerance, and record where you are.
# - A checkpoint holds model, optimizer, scheduler, data position and random streams, and takes its name only when it is whole.
# - Commit *and* diff, settings, versions, hashes of the data: with every run.
# - Test behavior: log V at the start, one batch by heart, no look ahead, no look aside, equal bits after a resume, an evaluation that
#   changes nothing. Then break the code, and count.
# - Sweep the learning rate, and watch attention logits and log Z: qk-norm holds the first, z-loss the second.
#
# **Where it fails.** Equal bits prove that a run repeats, not that it is right. A suite that catches 23 bugs says nothing of the 24th; and
# a model of two blocks blows up at rates of its own, so read the sweep for its form, not for its numbers.
#
# ## Papers and pages
#
# - Joelle Pineau et al.: Improving Reproducibility in Machine Learning Research, 2021: the checklist of the NeurIPS program.
# - Mitchell Wortsman et al.: Small-scale proxies for large-scale Transformer training instabilities, 2023.
# - PyTorch: [Reproducibility](https://pytorch.org/docs/stable/notes/randomness.html), and there the operations that have no deterministic form.
