"""Runs that can be repeated, resumed and trusted: seeds, checkpoints, records, tests.

The references of ``11_reproducibility``.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import math
import os
import platform
import random
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, get_worker_info

from course_utils.trainers import PAD, Trainer


def seed_everything(seed: int) -> None:
    """Seed the global streams of Python, NumPy and torch, and ask torch for algorithms that give
    the same bits each time; an operation that has none then raises RuntimeError."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


# Data loading


class Noisy(Dataset):
    """Item ``i`` is the pair ``(i, noise)``; the noise is drawn from ``rng``, which the data set
    keeps. A worker process gets a copy of the data set, and of the stream."""

    def __init__(self, size: int, seed: int = 0):
        self.size, self.rng = size, np.random.default_rng(seed)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[int, int]:
        return index, int(self.rng.integers(10_000))


def seeded_loader(dataset: Dataset, batch_size: int, seed: int, **workers) -> DataLoader:
    """A shuffling loader whose order and whose workers' ``dataset.rng`` come from the seed alone;
    every worker has a stream of its own, and in every epoch another one.

    ``workers`` (``num_workers``, ``multiprocessing_context``) goes to ``DataLoader`` as it is.
    """

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


# Checkpoints and records


class Checkpoint:
    """All that a run needs to go on bit for bit, in one file that is whole or absent.

    ``data`` offers ``state_dict()`` and ``load_state_dict(state)``, as the other three do. The
    global random streams of Python, NumPy and torch belong to the run as well.
    """

    def __init__(self, model: nn.Module, optimizer, scheduler, data):
        self.parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "data": data}

    def save(self, path: Path) -> None:
        saved = {name: part.state_dict() for name, part in self.parts.items()}
        kind, keys, *rest = np.random.get_state()
        saved["random"] = random.getstate(), (kind, keys.tolist(), *rest), torch.get_rng_state()
        part = Path(f"{path}.part")
        with part.open("wb") as file:
            torch.save(saved, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)

    def load(self, path: Path) -> None:
        saved = torch.load(path)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        of_python, of_numpy, of_torch = saved["random"]
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        torch.set_rng_state(of_torch)


def run_record(settings: dict, files: Iterable[Path], folder: Path) -> dict:
    """What a run was made from, as JSON can hold it.

    ``commit`` and ``diff`` (of all tracked files against that commit) of the repository that holds
    ``folder``, None without one; ``settings``; ``environment``: python, platform, torch, numpy;
    ``data``: the SHA-256 of each file, by its path.
    """
    return {
        "commit": _git(folder, "rev-parse", "HEAD"),
        "diff": _git(folder, "diff", "HEAD"),
        "settings": copy.deepcopy(settings),
        "environment": {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "torch": version("torch"),
            "numpy": version("numpy"),
        },
        "data": {str(file): hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files},
    }


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says, None where there is no repository."""
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True)
    return done.stdout.strip("\n") if done.returncode == 0 else None


# Tests


@torch.no_grad()
def properties(model: nn.Module, ids: Int[Tensor, "rows length"]) -> dict[str, bool]:
    """Which of three properties the model has, without dropout; differences below 1e-4 of the
    largest logit are rounding.

    ``causal``: the logits at a position do not depend on later tokens; ``rows``: nor on other
    rows; ``padding``: nor on padding (token 0) behind the text.
    """
    was_training = model.training
    model.eval()
    try:
        logits = model(ids)
        tolerance = 1e-4 * logits.abs().max()

        def same(one: Tensor, other: Tensor) -> bool:
            return bool((one - other).abs().max() < tolerance)

        others = ids.roll(1, 0)
        changed = [torch.cat([ids[:, :t], others[:, t:]], 1) for t in range(1, ids.shape[1])]
        padded = F.pad(ids, (0, 2), value=PAD)
        return {
            "causal": all(
                same(model(tokens)[:, :t], logits[:, :t]) for t, tokens in enumerate(changed, 1)
            ),
            "rows": all(same(model(row)[0], logits[i]) for i, row in enumerate(ids.split(1))),
            "padding": same(model(padded)[:, : ids.shape[1]], logits),
        }
    finally:
        model.train(was_training)


class TrainerTests:
    """A test suite: each method takes ``make``, a function of the seed that makes a trainer, and
    raises AssertionError where the trainer is broken."""

    def test_first_loss(self, make: Callable[[int], Trainer]) -> None:
        trainer = make(0)
        guess = math.log(trainer.vocabulary)
        assert abs(trainer.evaluate(trainer.batch(0)) - guess) < 0.5

    def test_loss(self, make: Callable[[int], Trainer]) -> None:
        trainer = trained(make(0))
        ids = trainer.batch(100)
        with torch.no_grad():
            logs = trainer.model.eval()(ids)[:, :-1].log_softmax(-1)
        losses = -logs.gather(-1, ids[:, 1:, None])[..., 0]
        assert abs(losses[ids[:, 1:] != PAD].mean() - trainer.evaluate(ids)) < 1e-4

    def test_model(self, make: Callable[[int], Trainer]) -> None:
        trainer = trained(make(0))
        ids = trainer.batch(100)[-1:]
        other = ids % (trainer.vocabulary - 1) + 1
        assert all(properties(trainer.model, torch.cat([ids, other])).values())

    def test_learning(self, make: Callable[[int], Trainer]) -> None:
        trainer = make(0)
        ids, before = trainer.batch(0), weights(trainer)
        first = trainer.evaluate(ids)
        for _ in range(10):
            trainer.step(ids)
        assert trainer.evaluate(ids) < 0.9 * first
        assert not any(map(torch.equal, before, weights(trainer)))

    def test_steps(self, make: Callable[[int], Trainer]) -> None:
        trainer, twin = trained(make(0)), trained(make(0))
        for parameter in twin.model.parameters():
            parameter.grad = None
        assert same_run(trainer, twin)
        assert trainer.optimizer.param_groups[0]["lr"] == trainer.rate(2)

    def test_seed_and_data(self, make: Callable[[int], Trainer]) -> None:
        one, other = weights(trained(make(3))), weights(trained(make(4)))
        twin = make(3)
        for index in range(2):
            twin.step(twin.batch(index))
        assert all(map(torch.equal, one, weights(twin)))
        assert not any(map(torch.equal, one, other))

    def test_checkpoint(self, make: Callable[[int], Trainer]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "checkpoint.pt"
            trainer = trained(make(0))
            trainer.save(path)
            went_on = [trainer.step() for _ in range(2)]
            resumed = make(1)
            resumed.load(path)
            assert [resumed.step() for _ in range(2)] == went_on
        assert all(map(torch.equal, weights(trainer), weights(resumed)))

    def test_evaluation(self, make: Callable[[int], Trainer]) -> None:
        trainer = trained(make(0))
        ids = trainer.batch(100)
        twin = make(0)
        for _ in range(2):
            assert twin.evaluate(ids) == twin.evaluate(ids)
            twin.step()
        assert all(map(torch.equal, weights(trainer), weights(twin)))


def trained(trainer: Trainer, steps: int = 2) -> Trainer:
    """The trainer after a few steps: at the start much can be equal by chance."""
    for _ in range(steps):
        trainer.step()
    return trainer


def weights(trainer: Trainer) -> list[Tensor]:
    """Copies of the parameters."""
    return [parameter.detach().clone() for parameter in trainer.model.parameters()]


def same_run(trainer: Trainer, other: Trainer) -> bool:
    """Whether the next step of both ends in the same bits."""
    for each in (trainer, other):
        torch.manual_seed(0)
        each.step()
    return all(map(torch.equal, weights(trainer), weights(other)))


def failed(suite: type, make: Callable[[int], Trainer]) -> list[str]:
    """The names of the suite's tests that a trainer fails; a test may raise anything."""
    names = [name for name, _ in inspect.getmembers(suite, callable) if name.startswith("test")]
    return [name for name in names if _fails(getattr(suite(), name), make)]


def _fails(test: Callable, make: Callable[[int], Trainer]) -> bool:
    try:
        test(make)
    except Exception:
        return True
    return False
