"""Probes and inputs for the exercises of ``11_reproducibility``.

Worker processes, a resumed run and a disk that fails are played in this process.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import inspect
import json
import math
import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch
import torch._dynamo  # at the first use of an optimizer it would load in the answer's time
import torch._inductor.config  # so would this, for deterministic algorithms
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.data._utils import worker as torch_worker

from course_utils import trainers
from course_utils.checks.probes.guard import attempt, limited, plain, scramble


def wrapped(answer: Callable, run: Callable) -> Callable:
    """``run`` with the answer's signature, so that a call that does not fit is told as such."""
    return functools.wraps(answer, updated=())(run) if callable(answer) else answer


def _generator(seed: int, stream: int) -> torch.Generator:
    return torch.Generator().manual_seed(1_000_003 * (seed + 1) + stream)


# seed_everything(seed)


def seeds(seed: int) -> list[int]:
    """One seed twice, two others, 0 twice, and the largest."""
    one = 1000 + 37 * seed % 9000
    return [one, one, one + 1, 2**31 + one, 0, 0, 2**32 - 1]


def streams(answer: Callable, seed: int) -> list[dict]:
    """After each call the next numbers of Python, NumPy and torch, as ``numbers``; before it all
    three streams are somewhere else."""
    calls = []
    with _restored_flags():
        for i, given in enumerate(seeds(seed)):
            scramble(seed + 1000 * (i + 1))
            call = attempt(answer, given)
            numbers = [random.random(), float(np.random.rand()), float(torch.rand(()))]
            calls.append(call | {"numbers": numbers})
    return calls


def flags(answer: Callable, seed: int) -> list[dict]:
    """What is asked of torch after the call, where nothing was asked before."""
    with _restored_flags():
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.deterministic = False
        call = attempt(answer, seeds(seed)[0])
        return [
            call
            | {
                "deterministic": torch.are_deterministic_algorithms_enabled(),
                "warns": torch.is_deterministic_algorithms_warn_only_enabled(),
                "benchmark": torch.backends.cudnn.benchmark,
                "cudnn": torch.backends.cudnn.deterministic,
            }
        ]


@contextlib.contextmanager
def _restored_flags() -> Iterator[None]:
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    cudnn = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    variables = dict(os.environ)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = cudnn
        os.environ.clear()
        os.environ.update(variables)


# seeded_loader(dataset, batch_size, seed, **workers)

ITEMS, BATCH, WORKERS, DRAWS = 13, 4, 3, 5


class Drawing(Dataset):
    """Items with noise from a NumPy generator that the data set keeps."""

    def __init__(self):
        self.rng = np.random.default_rng(5)

    def __len__(self) -> int:
        return ITEMS

    def __getitem__(self, index: int) -> tuple[int, int]:
        return index, int(self.rng.integers(2**40))


def loader_seeds(seed: int) -> list[int]:
    """One seed twice, and another."""
    return [11 + seed, 11 + seed, 12 + seed]


def loader_runs(answer: Callable, seed: int) -> list[dict]:
    """For each seed two epochs: their batches, as indices, and what each worker draws; and what
    the first one draws when it is ``replayed``, from the same seed, after all others."""

    def run(dataset, batch_size, seed, **workers):
        loader = answer(dataset, batch_size, seed, **workers)
        if not isinstance(loader, DataLoader):
            return loader
        scramble(next(others))
        batches, draws, bases = zip(*(_epoch(loader, dataset) for _ in range(2)), strict=True)
        return {
            "workers": loader.num_workers,
            "persistent": loader.persistent_workers,
            "batches": batches,
            "draws": draws,
            "replayed": _in_worker(loader, dataset, bases[0], 0),
        }

    others = iter(range(seed + 1, seed + 1000))
    calls = []
    for given in loader_seeds(seed):
        scramble(next(others))
        call = wrapped(answer, run)
        calls.append(attempt(call, Drawing(), BATCH, given, num_workers=WORKERS))
    return calls


def _epoch(loader: DataLoader, dataset: Drawing) -> tuple[list, list, int]:
    batches = [list(map(int, batch)) for batch in loader.batch_sampler]
    base = int(torch.empty((), dtype=torch.int64).random_(generator=loader.generator))
    draws = [_in_worker(loader, dataset, base, id) for id in range(WORKERS)]
    return batches, draws, base


def _in_worker(loader: DataLoader, dataset: Drawing, base: int, id: int) -> list[int]:
    """What a forked worker draws: it starts from the data set as it is here, with the streams
    seeded as torch does, and what it changes stays its own."""
    before = copy.deepcopy(dataset.__dict__)
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    info = torch_worker.WorkerInfo(id=id, num_workers=WORKERS, seed=base + id, dataset=dataset)
    torch.manual_seed(base + id)
    random.seed(base + id)
    np.random.seed((base + id) % 2**32)
    try:
        with mock.patch.object(torch_worker, "_worker_info", info):
            if loader.worker_init_fn is not None:
                loader.worker_init_fn(id)
            return [dataset[i][1] for i in range(DRAWS)]
    finally:
        dataset.__dict__.clear()
        dataset.__dict__.update(before)
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


# Checkpoint(model, optimizer, scheduler, data)


class Broken(OSError):
    """The disk fails while the state is written."""


class Unwritable:
    def __reduce__(self):
        raise Broken("the disk is full")


class Stream:
    """Data with a position and an order of its own."""

    def __init__(self, seed: int):
        self.order = torch.randperm(64, generator=_generator(seed, 3)).tolist()
        self.position, self.fails = 0, False

    def next(self) -> Tensor:
        self.position += 1
        return torch.randn(6, 4, generator=_generator(self.order[self.position % 64], 4)).double()

    def state_dict(self) -> dict:
        state = {"position": self.position, "order": list(self.order)}
        return state | {"rest": Unwritable()} if self.fails else state

    def load_state_dict(self, state: dict) -> None:
        self.position, self.order = state["position"], list(state["order"])


def falling(step: int) -> float:
    return 0.8**step


class Trial:
    """A run that draws from every stream: dropout, noise from NumPy, a coin from Python."""

    def __init__(self, seed: int, steps: int):
        scramble(seed)
        self.model = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.4), nn.Linear(6, 1)).double()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.1)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, falling)
        self.data = Stream(seed)
        for _ in range(steps):
            self.step()

    @property
    def parts(self) -> tuple:
        return self.model, self.optimizer, self.scheduler, self.data

    def step(self) -> float:
        x = self.data.next() + torch.from_numpy(np.random.normal(size=(6, 4)))
        x = x + np.random.normal()  # they are made in pairs: the state holds the other one
        x = -x if random.random() < 0.5 else x
        loss = (self.model(x) - x.sum(1, keepdim=True)).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return loss.item()

    def states(self) -> dict[str, str]:
        """A fingerprint of each part, and of the three random streams."""
        names = ("model", "optimizer", "scheduler", "data")
        found = {n: part.state_dict() for n, part in zip(names, self.parts, strict=True)}
        found["python"], found["numpy"] = random.getstate(), np.random.get_state()
        found["torch"] = torch.get_rng_state()
        return {name: fingerprint(value) for name, value in found.items()}


def fingerprint(value: object) -> str:
    return hashlib.sha256(repr(_numbers(value)).encode()).hexdigest()[:16]


def _numbers(value: object) -> object:
    if isinstance(value, Tensor | np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return sorted((str(k), _numbers(v)) for k, v in value.items())
    return [_numbers(v) for v in value] if isinstance(value, list | tuple) else value


SAVED_AT, GOES_ON = 5, 3


def saved_run(seed: int) -> Trial:
    return Trial(seed, SAVED_AT)


def other_run(seed: int) -> Trial:
    """What the checkpoint is loaded into: another run, in the midst of it."""
    return Trial(seed + 77, 2)


def resumed(answer: Callable, seed: int) -> list[dict]:
    """Save one run, whose last step comes after the checkpoint was made; load it in another, go on:
    ``states`` after loading, ``losses`` from there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.pt"
        first = Trial(seed, SAVED_AT - 1)
        calls = [attempt(wrapped(answer, _saving(answer, path, first.step)), *first.parts)]
        calls[0]["states"] = first.states()
        other = other_run(seed)
        if calls[0]["outcome"] == "returned":
            call = attempt(wrapped(answer, _loading(answer, path)), *other.parts)
            calls.append(call | {"states": other.states(), "losses": _losses(other)})
    return calls


def _losses(trial: Trial) -> list[float] | str:
    try:
        return [trial.step() for _ in range(GOES_ON)]
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


def _saving(answer: Callable, path: Path, step: Callable = lambda: None) -> Callable:
    def save(*parts):
        checkpoint = answer(*parts)
        step()
        return checkpoint.save(path)

    return save


def _loading(answer: Callable, path: Path) -> Callable:
    return lambda *parts: answer(*parts).load(path)


def replaced(answer: Callable, seed: int) -> list[dict]:
    """A second save over a first: what happened to the first file, and what lies there then.

    ``rewritten``: the first file was written into; ``removed``: it was taken away before the new
    one came; ``elsewhere``: a file came from another folder; ``renamed``: by os.rename; ``left``:
    other files.
    """
    with tempfile.TemporaryDirectory() as parent:
        path, witness = Path(parent) / "runs" / "run.pt", Path(parent) / "witness"
        path.parent.mkdir()
        trial = saved_run(seed)
        calls = [attempt(wrapped(answer, _saving(answer, path)), *trial.parts)]
        if calls[0]["outcome"] != "returned" or not path.exists():
            return [calls[0] | {"missing": not path.exists()}]
        os.link(path, witness)
        before = witness.read_bytes()
        trial.step()
        with _watched(path) as seen:
            calls.append(attempt(wrapped(answer, _saving(answer, path)), *trial.parts))
        calls[1] |= {
            "rewritten": witness.read_bytes() != before,
            "same": path.exists() and path.read_bytes() == before,
            "removed": seen["removed"],
            "elsewhere": seen["elsewhere"],
            "renamed": seen["renamed"],
            "left": sorted(p.name for p in path.parent.iterdir() if p != path),
        }
    return calls


@contextlib.contextmanager
def _watched(path: Path) -> Iterator[dict]:
    """Whether the file is taken away, whether one is moved to it from another folder, and whether
    by os.rename."""
    seen = {"removed": False, "elsewhere": False, "renamed": False}
    target = os.path.realpath(path)

    def removing(function):
        def call(name, *args, **kwargs):
            seen["removed"] |= os.path.realpath(name) == target
            return function(name, *args, **kwargs)

        return call

    def moving(function):
        def call(source, destination, *args, **kwargs):
            if os.path.realpath(destination) == target:
                folder = os.path.dirname(os.path.realpath(source))
                seen["elsewhere"] |= folder != os.path.dirname(target)
                seen["renamed"] |= function.__name__ == "rename"
            seen["removed"] |= os.path.realpath(source) == target
            return function(source, destination, *args, **kwargs)

        return call

    with contextlib.ExitStack() as stack:
        for name, patch in [
            ("remove", removing),
            ("unlink", removing),
            ("rename", moving),
            ("replace", moving),
        ]:
            stack.enter_context(mock.patch.object(os, name, patch(getattr(os, name))))
        yield seen


def cut_short(answer: Callable, seed: int) -> list[dict]:
    """A save, a step, a save in the midst of which the disk fails, and a load in another run;
    ``intact``: whether the file is still that of the first save."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.pt"
        trial = saved_run(seed)
        calls = [attempt(wrapped(answer, _saving(answer, path)), *trial.parts)]
        if calls[0]["outcome"] != "returned":
            return calls
        calls[0]["states"] = trial.states()
        content = path.read_bytes() if path.exists() else None
        trial.step()
        trial.data.fails = True
        calls.append(attempt(wrapped(answer, _saving(answer, path)), *trial.parts))
        calls[1]["states"] = {}
        intact = content is not None and path.exists() and path.read_bytes() == content
        other = other_run(seed)
        call = attempt(wrapped(answer, _loading(answer, path)), *other.parts)
        calls.append(call | {"states": other.states(), "intact": intact})
    return calls


# run_record(settings, files, folder)

SOURCES = {  # the text before and after the change; those in STAGED are staged
    "train.py": ("rate = 1\nsteps = 2\n", "rate = {0}\nsteps = 2\n"),
    "tools/data.py": ("def load():\n    return 1\n", "def load():\n    return {0}\n"),
    "tools/model.py": ("width = 8\n", "width = {0}8\n"),
}
STAGED = ("train.py", "tools/model.py")
WHO = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
BIG = 3_000_000  # bytes


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def repository(folder: Path, seed: int) -> None:
    """Two commits, the second on no branch; after it all files are changed, some of them staged,
    and one is new that git does not track."""
    git(folder, "init", "-q", "-b", "main")
    for name, (text, _) in SOURCES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"# {seed}\n{text}")
    (folder / "train.py").write_text("rate = 0\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "checkout", "-q", "--detach")
    (folder / "train.py").write_text(f"# {seed}\n{SOURCES['train.py'][0]}")
    git(folder, "commit", "-q", "-a", "-m", "second")
    (folder / "notes.txt").write_text("not tracked\n")
    for name, (_, text) in SOURCES.items():
        (folder / name).write_text(f"# {seed}\n{text.format(40 + seed)}")
    git(folder, "add", *STAGED)


def record_settings(seed: int) -> dict:
    return {"rate": 0.1 + seed, "sizes": [8, 16 + seed], "model": {"heads": 2}}


def record_files(folder: Path, seed: int) -> list[Path]:
    """Two files of one name and one size, one of them by a path with a detour, and a large one of
    bytes that are no text."""
    numbers = torch.randint(256, (BIG,), generator=_generator(seed, 9), dtype=torch.uint8)
    content = numbers.numpy().tobytes()
    texts = {"a/corpus.bin": content, "b/data.txt": b"one", "c/data.txt": b"two"}
    for name, data in texts.items():
        (folder / name).parent.mkdir()
        (folder / name).write_bytes(data)
    return [folder / "a/corpus.bin", folder / "b/data.txt", folder / "b/../c/data.txt"]


def record_here(answer: Callable, seed: int) -> list[dict]:
    """The record of a repository with changes, asked from a folder inside it, and without them."""
    with _git_folder() as folder:
        repository(folder, seed)
        calls = [_recorded(answer, record_settings(seed), [], folder / "tools")]
        git(folder, "reset", "-q", "--hard")
        return [*calls, _recorded(answer, record_settings(seed), [], folder / "tools")]


def record_nowhere(answer: Callable, seed: int) -> list[dict]:
    with _git_folder() as folder:
        return [_recorded(answer, record_settings(seed), [], folder)]


def record_data(answer: Callable, seed: int) -> list[dict]:
    """The record of files; ``record["data"]`` with the folder taken off the paths."""
    with _git_folder() as folder:
        files = record_files(folder, seed)
        call = _recorded(answer, record_settings(seed), files, folder)
        for part in [call.get("value")]:
            data = part.get("data") if isinstance(part, dict) else None
            if isinstance(data, dict):
                part["data"] = {k.replace(f"{folder}{os.sep}", ""): v for k, v in data.items()}
        return [call | {"folder": str(folder)}]


def record_plain(answer: Callable, seed: int) -> list[dict]:
    """The record after the settings went on changing, and what JSON makes of it."""
    with _git_folder() as folder:
        settings = record_settings(seed)

        def run(settings, files, folder):
            record = answer(settings, files, folder)
            settings["sizes"].append(0)
            settings["model"]["heads"] = 0
            settings["rate"] = 0
            try:
                text = json.dumps(record)
            except (TypeError, ValueError) as error:
                return {"record": plain(record), "error": str(error)}
            return {"record": json.loads(text), "error": ""}

        file = folder / "data.txt"
        file.write_bytes(b"data")
        return [_recorded(wrapped(answer, run), settings, [file], folder)]


def _recorded(answer: Callable, settings: dict, files: list[Path], folder: Path) -> dict:
    """The call, and whether it ``moved`` the program to another folder."""
    before = os.getcwd()
    call = attempt(wrapped(answer, answer), settings, files, folder)
    moved = os.getcwd() != before
    os.chdir(before)
    return call | {"moved": moved}


@contextlib.contextmanager
def _git_folder() -> Iterator[Path]:
    """A folder in no repository, and git as it comes from the box."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        ceiling = {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
        with mock.patch.dict(os.environ, WHO | ceiling):
            yield folder


# properties(model, ids)

ROWS, LENGTH, VOCABULARY, WIDTH = 3, 7, 11, 6


class Small(nn.Module):
    """Logits that depend on the tokens as ``kind`` says; ``scale`` is that of the logits."""

    def __init__(self, kind: str, seed: int, scale: float = 1.0, dtype=torch.float32):
        super().__init__()
        generator = _generator(seed, 21)

        def table(*shape):
            drawn = torch.randn(*shape, generator=generator, dtype=torch.float64)
            return nn.Parameter(drawn.to(dtype))

        self.kind, self.scale = kind, scale
        self.tokens, self.places = table(VOCABULARY, WIDTH), table(64, WIDTH)
        self.out, self.dropout = table(WIDTH, VOCABULARY), nn.Dropout(0.5)

    def forward(self, ids: Tensor) -> Tensor:
        length = ids.shape[1]
        places = self.places[:length]
        if self.kind == "places from the end":
            places = places.flip(0)
        x = self.dropout(self.tokens[ids] + places)
        count = torch.arange(1, length + 1)[:, None].to(x)
        x = torch.tanh(x + x.cumsum(1) / count)
        x = self.scale * (x + self._leak(x, ids))
        if self.kind == "float64":
            return x @ self.out
        order = torch.randperm(WIDTH, generator=_generator(ids.numel(), 24))
        return x[..., order] @ self.out[order]  # other sizes, another rounding, as in a large model

    def _leak(self, x: Tensor, ids: Tensor) -> Tensor:
        """What a position sees that it must not."""
        none = torch.zeros_like(x)
        length = x.shape[1]
        if self.kind == "one ahead":
            return F.pad(x[:, 1:], (0, 0, 0, 1)) * 0.1
        if self.kind == "three ahead":
            return F.pad(self.tokens[ids][:, 3:], (0, 0, 0, 3))[:, :length] * 0.1
        if self.kind == "all":
            return x.mean(1, keepdim=True) * 0.05
        if self.kind in PLACES:
            place = PLACES[self.kind]
            none[:, place] = x[:, place + 1] * 0.3 if length > place + 1 else 0.0
            return none
        if self.kind == "a little of the last":
            return x[:, -1:] * 0.01
        if self.kind == "mean of the rows":
            return x.mean(0, keepdim=True) * 0.1
        if self.kind == "row before":
            return torch.cat([none[:1], x[:-1]]) * 0.1
        if self.kind == "next row":
            return torch.cat([x[1:], none[:1]]) * 0.1
        if self.kind == "next row, around":
            return x.roll(-1, 0) * 0.1
        if self.kind == "last row, in the first":
            return torch.cat([x[-1:] - x[:1], none[1:]]) * 0.1
        if self.kind == "length":
            return none + 0.02 * length
        if self.kind == "count of padding":
            return none + 0.2 * (ids == trainers.PAD).sum(1)[:, None, None].to(x)
        if self.kind == "rows and padding":
            return x.mean(0, keepdim=True) * 0.1 + 0.02 * length
        if self.kind == "padding, at the first place":
            none[:, 0] = 0.2 * (ids == trainers.PAD).sum(1, keepdim=True).to(x)
        return none


SOUND_KINDS = ("float32", "large logits", "training mode", "float64")
PLACES = {
    "one place ahead": 1,
    "one late place ahead": 3,
    "the first place ahead": 0,
    "the last place ahead": LENGTH - 2,
}
CAUSAL = ("one ahead", "three ahead", "all", *PLACES, "a little of the last")
ROW = (
    "mean of the rows",
    "row before",
    "next row",
    "next row, around",
    "last row, in the first",
)
PADDING = (
    "places from the end",
    "length",
    "count of padding",
    "padding, at the first place",
    "rows and padding",
)


def small(kind: str, seed: int) -> Small:
    scale = 1e4 if kind == "large logits" else 1.0
    dtype = torch.float32 if kind in ("float32", "large logits") else torch.float64
    model = Small(kind, seed, scale, dtype)
    return model.train(kind == "training mode" or kind in CAUSAL[::2])


def text(seed: int) -> Tensor:
    """Rows of tokens, none of them padding, no two alike at any place."""
    order = torch.randperm(VOCABULARY - 1, generator=_generator(seed, 22))[:ROWS] + 1
    steps = torch.randint(0, 50, (LENGTH,), generator=_generator(seed, 23))
    return (order[:, None] - 1 + steps) % (VOCABULARY - 1) + 1


def _looked_at(kinds: tuple[str, ...]):
    """A probe: for each kind of model, what the answer says, and what it left ``changed``."""

    def probe(answer: Callable, seed: int) -> list[dict]:
        calls = []
        for kind in kinds:
            model, ids = small(kind, seed), text(seed)
            if kind == "training mode":
                for parameter in model.parameters():
                    parameter.grad = torch.ones_like(parameter)
            before = _state(model)
            call = attempt(wrapped(answer, lambda *a: _truths(answer(*a))), model, ids)
            after = _state(model)
            calls.append(call | {"changed": [k for k in before if before[k] != after[k]]})
        return calls

    return probe


def _truths(value: object) -> object:
    """NumPy's truth values and tensors of one number made plain."""
    if not isinstance(value, dict):
        return value
    return {k: bool(v) if _is_single(v) else v for k, v in value.items()}


def _is_single(value: object) -> bool:
    return isinstance(value, np.generic) or isinstance(value, Tensor) and value.numel() == 1


def _state(model: nn.Module) -> dict:
    return {
        "the mode": [module.training for module in model.modules()],
        "the parameters": [(fingerprint(p), p.requires_grad) for p in model.parameters()],
        "the gradients": [fingerprint(p.grad) for p in model.parameters()],
        "the modules": repr(model),
        "the hooks": [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()],
    }


sound_models = _looked_at(SOUND_KINDS)
causal_models = _looked_at(CAUSAL)
row_models = _looked_at(ROW)
padding_models = _looked_at(PADDING)


# TrainerTests


SUITE_SECONDS = 20  # for one trainer: all of them together may take longer than other answers


def sound_trainers(answer: type, seed: int) -> list[dict]:
    """For each sound trainer the tests that it fails."""
    _plain_one.cache_clear()  # what the answer calls may be new
    calls = [_plain_one(answer, seed)]
    for kind in trainers.SOUND[1:]:
        if calls[-1]["outcome"] == "returned":
            calls.append(_tried(answer, kind, seed))
    return calls


class Hopeless(trainers.MixesRows, trainers.Unseeded):
    """Neither learns nor saves, and no loss is a number: whatever is asked of it fails."""

    def step(self, ids=None):
        return math.nan

    def evaluate(self, ids):
        return math.nan

    def save(self, path):
        pass

    def load(self, path):
        pass


def broken_trainers(group: str):
    """A probe: for each trainer of the group the first test that it fails, of those that the plain
    trainer, which goes before them, does not fail. A test that found one is tried first on the
    next. Where none finds a wrong loss, they are tried on a hopeless trainer behind all others."""

    def probe(answer: type, seed: int) -> list[dict]:
        calls, first = [_plain_one(answer, seed)], ""
        for kind in trainers.BROKEN[group]:
            if calls[-1]["outcome"] != "returned":
                break
            calls.append(_tried(answer, kind, seed, calls[0]["value"], first))
            found = calls[-1].get("value")
            first = next(reversed(found)) if found else first
        plain = calls[0].get("value")  # none where it raised, as a suite of stubs does
        if group == "the loss" and plain and all(call.get("value") == plain for call in calls):
            calls.append(_tried(answer, Hopeless, seed, plain))
        return calls

    return probe


@functools.lru_cache(maxsize=1)
def _plain_one(answer: type, seed: int) -> dict:
    return _tried(answer, trainers.Trainer, seed)


def _tried(answer: type, kind: type[trainers.Trainer], seed: int, skipped=(), first="") -> dict:
    scramble(seed)
    call = wrapped(answer, lambda: _failed(answer, kind, seed, skipped, first))
    with limited(SUITE_SECONDS):
        return attempt(call)


def _failed(
    answer: type, kind: type[trainers.Trainer], seed: int, skipped: Collection[str], first: str
) -> dict[str, str]:
    """Test name -> the error it raised; "" -> the number of tests. Where tests are skipped the
    first error is enough. Stubs do not count, but where there is nothing else theirs is raised."""

    def make(own: int = 0) -> trainers.Trainer:
        trainer = kind(own + 1000 * seed)
        trainer.__class__ = type("Trainer", (kind,), {})
        return trainer

    names = [name for name, _ in inspect.getmembers(answer, callable) if name.startswith("test")]
    found, stubs = {"": str(len(names))}, []
    for name in sorted(names, key=lambda name: name != first):
        if name in skipped or (skipped and len(found) > 1):
            continue
        try:
            getattr(answer(), name)(make)
        except Exception as error:
            if isinstance(error, NotImplementedError) and str(error).startswith("exercise"):
                stubs.append(error)
            else:
                found[name] = f"{type(error).__name__}: {error}"[:200]
    if stubs and len(stubs) == len(names):
        raise stubs[0]
    return found


broken_loss = broken_trainers("the loss")
broken_model = broken_trainers("the model")
broken_step = broken_trainers("the step")
broken_data = broken_trainers("seed and data")
broken_checkpoint = broken_trainers("the checkpoint")
broken_evaluation = broken_trainers("the evaluation")
