"""Judges of the first four exercises of ``11_reproducibility``.

Oracles: the streams' own numbers, before and after; the run that was saved, made again; hashes and
git's own answer.
"""

from __future__ import annotations

import hashlib
import platform
import random
import tempfile
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from course_utils.checks.judges import common
from course_utils.checks.judges.common import Refusal
from course_utils.checks.probes import reproducibility as probes
from course_utils.checks.probes.guard import restored_state

STREAMS = ("Python", "NumPy", "torch")
SENTENCES = {
    "reproducibility.seed_everything": {
        "stream/python": ("Python's stream is not seeded.", "random.seed(seed)."),
        "stream/numpy": (
            "NumPy's global stream is not seeded.",
            "np.random.seed(seed); default_rng(seed) is another stream, which nobody draws from.",
        ),
        "stream/torch": (
            "torch's global stream is not seeded.",
            "torch.manual_seed(seed); a Generator of your own is another stream.",
        ),
        "stream/none": ("None of the three streams is seeded.", "Seed each of them with `seed`."),
        "seed/fixed": ("Every seed gives the same numbers.", "Use the argument, not a number."),
        "seed/not-the-argument": (
            "One of the streams has the same numbers for every seed.",
            "All three are seeded with the argument.",
        ),
        "seed/cut": (
            "Large seeds are cut: two that are far apart give the same numbers.",
            "Seeds go up to 2**32 - 1: give the argument as it is.",
        ),
        "seed/zero-ignored": (
            "With seed 0 nothing is seeded.",
            "0 is a seed like any other: `if seed:` is false for it.",
        ),
        "seed/zero-replaced": (
            "Seed 0 gives the numbers of another seed.",
            "0 is a seed like any other: `seed or …` replaces it.",
        ),
        "deterministic/not-asked": (
            "torch may still take algorithms that give other bits each time.",
            "torch.use_deterministic_algorithms(True).",
        ),
        "deterministic/cudnn-only": (
            "cuDNN alone is made deterministic.",
            "torch.use_deterministic_algorithms(True) is for all of torch.",
        ),
        "deterministic/warns-only": (
            "Where there is no deterministic algorithm torch only warns, and goes on.",
            "Leave warn_only out: then it raises.",
        ),
        "deterministic/benchmark": (
            "cuDNN still chooses its algorithms by trying which is fastest just now.",
            "torch.backends.cudnn.benchmark = False.",
        ),
    },
    "reproducibility.seeded_loader": {
        "order/not-shuffled": ("The items come in their own order.", "shuffle=True."),
        "order/not-repeated": (
            "The same seed gives another order the next time.",
            "generator=torch.Generator().manual_seed(seed).",
        ),
        "order/from-the-global-stream": (
            "The order comes from torch's global stream: what others draw from it changes it.",
            "Give the loader a generator of its own: torch.Generator().manual_seed(seed).",
        ),
        "order/same-every-epoch": (
            "Every epoch has the same order.",
            "One generator for all epochs: it goes on where it stopped.",
        ),
        "order/seed-ignored": ("Every seed gives the same order.", "manual_seed(seed)."),
        "order/items-lost": (
            "Not every item comes once.",
            "shuffle=True, and neither drop_last nor a sampler that puts items back.",
        ),
        "batch/size": (
            "The batches are not of batch_size items.",
            "DataLoader(dataset, batch_size).",
        ),
        "workers/dropped": (
            "The options for workers are not passed on.",
            "DataLoader(…, **workers).",
        ),
        "streams/left-alone": (
            "All workers draw the same numbers: each has a copy of the same dataset.rng.",
            "worker_init_fn gives get_worker_info().dataset a new rng.",
        ),
        "streams/equal": (
            "All workers draw the same numbers.",
            "Inside a worker get_worker_info().seed is another one for each.",
        ),
        "streams/same-every-epoch": (
            "A worker draws the same numbers in every epoch.",
            "get_worker_info().seed is new in each epoch; the worker's number is not.",
        ),
        "streams/counted": (
            "The function counts its calls; but each worker is a new copy, in which nothing has "
            "been counted yet.",
            "get_worker_info().seed is new in each epoch, in every worker.",
        ),
        "streams/persistent": (
            "Workers that persist are seeded once: in the next epoch they go on.",
            "Give the loader the options in `workers`, and no persistent_workers of your own.",
        ),
        "streams/not-repeated": (
            "The same seed gives other noise the next time.",
            "The worker's seed comes from the loader's generator: seed that, and use it.",
        ),
        "streams/seed-ignored": (
            "Every seed of the loader gives the same noise.",
            "Let the stream come from get_worker_info().seed.",
        ),
    },
    "reproducibility.checkpoint": {
        "forgets/model": ("The weights are not restored.", "model.state_dict()."),
        "forgets/optimizer": (
            "The optimizer's state is not restored: its averages start from zero.",
            "optimizer.state_dict() holds them, not only the learning rate.",
        ),
        "forgets/scheduler": (
            "The scheduler is not restored: the learning rate takes another course.",
            "scheduler.state_dict().",
        ),
        "forgets/data": (
            "The position in the data is not restored: other batches come.",
            "data.state_dict().",
        ),
        "forgets/python": ("Python's random stream is not restored.", "random.getstate()."),
        "forgets/numpy": ("NumPy's random stream is not restored.", "np.random.get_state()."),
        "forgets/torch": ("torch's random stream is not restored.", "torch.get_rng_state()."),
        "forgets/all-streams": (
            "None of the three random streams is restored.",
            "Save where they stand; a seed leads back to the start of the run.",
        ),
        "load/refused": (
            "torch.load refuses what was saved.",
            "By default it reads tensors and plain values alone; NumPy's state holds an array, "
            "whose tolist() is plain.",
        ),
        "save/changes-the-run": (
            "Saving changes the run itself.",
            "Draw no random numbers in save, and change nothing.",
        ),
        "save/no-file": ("There is no file at the path.", "Write exactly to `path`."),
        "write/in-place": (
            "The old checkpoint is written over: killed meanwhile, it is lost.",
            "Write to another file beside it, then os.replace(that, path).",
        ),
        "write/removed-first": (
            "The old checkpoint is taken away before the new one has its name.",
            "os.replace(new, path) does both in one.",
        ),
        "write/other-folder": (
            "The new file is moved from another folder, which may be on another disk: then it is "
            "copied, and can be cut.",
            "Write it beside the old one.",
        ),
        "write/renamed": (
            "os.rename takes the place of a file on Linux and macOS; on Windows it fails.",
            "os.replace does it everywhere.",
        ),
        "write/left-behind": (
            "Files are left beside the checkpoint.",
            "os.replace moves; no copies.",
        ),
        "write/not-renewed": ("The second save leaves the first in place.", "Replace it."),
        "write/lost": (
            "After a save that failed there is no checkpoint left.",
            "Write to another file; it gets the name when it is whole.",
        ),
        "write/half": (
            "A save that failed has changed the checkpoint.",
            "Write to another file; it gets the name when it is whole.",
        ),
        "write/error-hidden": (
            "A save that failed raises nothing.",
            "Let the error through: the user must know.",
        ),
    },
    "reproducibility.run_record": {
        "result/not-a-record": (
            "The result is no dict with the five keys.",
            "commit, diff, settings, environment, data.",
        ),
        "commit/short": ("The commit is cut.", "git rev-parse HEAD, without --short."),
        "commit/not-stripped": ("A line break is left behind the commit.", "strip()."),
        "commit/wrong": (
            "This is not the commit of the repository that holds `folder`.",
            "git -C folder rev-parse HEAD, or subprocess.run(…, cwd=folder).",
        ),
        "commit/missing": (
            "There is a repository, and no commit in the record.",
            "`folder` may lie anywhere inside a repository: ask git, not for folder/.git.",
        ),
        "diff/unstaged-only": ("Changes that are staged are missing.", "git diff HEAD."),
        "diff/staged-only": ("Changes that are not staged are missing.", "git diff HEAD."),
        "diff/names-only": (
            "The changed files are named, but not what changed.",
            "git diff HEAD, without --stat; git status only lists.",
        ),
        "diff/folder-only": (
            "Only changes below `folder` are there.",
            "git diff HEAD without a path shows the whole repository.",
        ),
        "diff/missing": ("The changes since the commit are missing.", "git diff HEAD."),
        "diff/none-when-clean": (
            "Where nothing has changed there is no diff in the record, as if there were no "
            "repository.",
            "Nothing changed is the empty text; None says that there is no repository.",
        ),
        "diff/wrong": ("The diff does not hold what changed.", "git diff HEAD."),
        "git/needs-a-repository": (
            "Where there is no repository it fails, or invents something.",
            "Then commit and diff are None: look at git's returncode.",
        ),
        "data/one-hash": ("There is one hash for all files.", "One for each file, by its path."),
        "data/names-collide": (
            "Two files of one name in different folders share an entry.",
            "The key is the whole path: str(file).",
        ),
        "data/of-the-name": ("The hash is that of the path.", "Hash file.read_bytes()."),
        "data/of-the-start": ("Only the start of a large file is hashed.", "Hash all of it."),
        "data/size": (
            "This is a size or a time, which other content can share.",
            "Hash the bytes.",
        ),
        "data/of-other-bytes": (
            "This is the SHA-256 of something else than the file's bytes.",
            "read_bytes(), all of them, unchanged; a new hashlib.sha256() for each file.",
        ),
        "data/other-hash": (
            "This is another hash than SHA-256 in hex.",
            "hashlib.sha256(data).hexdigest().",
        ),
        "data/reads-text": (
            "A file that holds no text cannot be read as text.",
            "read_bytes(), or open(file, 'rb').",
        ),
        "data/other-keys": ("The keys are not the paths as given.", "str(file)."),
        "json/refused": (
            "JSON cannot hold the record.",
            "Strings, numbers, lists, dicts: str(path).",
        ),
        "settings/follow": (
            "The record changes when the settings change later.",
            "copy.deepcopy(settings): dict(settings) copies only the outermost level.",
        ),
        "settings/wrong": ("The settings are not in the record as given.", 'record["settings"].'),
        "record/moves": (
            "After the call the program is in another folder: every relative path breaks.",
            "git -C folder …, or subprocess.run(…, cwd=folder); no os.chdir.",
        ),
        "environment/incomplete": (
            "The environment lacks an entry.",
            "python, platform, torch, numpy.",
        ),
        "environment/platform": (
            "The platform is named too coarsely.",
            "platform.platform(): system, release and processor.",
        ),
        "environment/wrong": (
            "A version is not the one that runs here.",
            'platform.python_version(), importlib.metadata.version("torch").',
        ),
    },
}


# seed_everything


def streams(calls: list[dict], seed: int) -> Refusal | None:
    """The same seed twice."""
    expected = "the same numbers twice with one seed"
    if refusal := _raised(calls, expected):
        return refusal
    one, again = (call["numbers"] for call in calls[:2])
    other = [i for i in range(3) if one[i] != again[i]]
    if len(other) == 3:
        return Refusal("stream/none", expected, "other numbers in all three streams")
    if other:
        name = STREAMS[other[0]]
        seen = f"{name}: {common.number(one[other[0]])}, then {common.number(again[other[0]])}"
        return Refusal(f"stream/{name.lower()}", expected, seen)
    return None


def other_seeds(calls: list[dict], seed: int) -> Refusal | None:
    expected = "other numbers with other seeds"
    if refusal := _raised(calls, expected):
        return refusal
    given, rows = probes.seeds(seed), [call["numbers"] for call in calls]
    for k in (2, 3):
        fixed = [i for i in range(3) if rows[0][i] == rows[k][i]]
        if fixed:
            slug = "seed/fixed" if len(fixed) == 3 else "seed/not-the-argument"
            names = ", ".join(STREAMS[i] for i in fixed)
            seen = f"the same first number in {names} with {given[0]} and {given[k]}"
            return Refusal("seed/cut" if k == 3 else slug, expected, seen)
    repeated = [rows[0][i] == rows[1][i] for i in range(3)]
    zeros = [rows[4][i] == rows[5][i] for i in range(3)]
    if any(a and not b for a, b in zip(repeated, zeros, strict=True)):
        return Refusal("seed/zero-ignored", "the same numbers twice with seed 0", "other numbers")
    own, zero = (_first_numbers(s) for s in (given[0], 0))
    for i, name in enumerate(STREAMS):
        if rows[0][i] == own[i] and rows[4][i] != zero[i]:
            seen = f"{name} begins with {common.number(rows[4][i])}"
            return Refusal("seed/zero-replaced", f"with seed 0 {common.number(zero[i])}", seen)
    return None


def _first_numbers(seed: int) -> list[float]:
    """Of the three streams, seeded as the libraries do."""
    generator = torch.Generator().manual_seed(seed)
    drawn = float(torch.rand((), generator=generator))
    return [random.Random(seed).random(), float(np.random.RandomState(seed).rand()), drawn]


def flags(calls: list[dict], seed: int) -> Refusal | None:
    expected = "deterministic algorithms on, cuDNN's benchmark off"
    if refusal := _raised(calls, expected):
        return refusal
    [call] = calls
    if not call["deterministic"]:
        slug = "deterministic/cudnn-only" if call["cudnn"] else "deterministic/not-asked"
        return Refusal(slug, expected, "deterministic algorithms off")
    if call["warns"]:
        return Refusal("deterministic/warns-only", expected, "a warning at most")
    if call["benchmark"]:
        return Refusal("deterministic/benchmark", expected, "cudnn.benchmark on")
    return None


def _raised(calls: list[dict], expected: str) -> Refusal | None:
    for call in calls:
        if call["outcome"] == "raised":
            return common.raised(call, expected)
    return None


# seeded_loader


def order(calls: list[dict], seed: int) -> Refusal | None:
    expected = f"a DataLoader over {probes.ITEMS} items in batches of {probes.BATCH}"
    if refusal := _no_loader(calls, expected):
        return refusal
    runs = [call["value"] for call in calls]
    if any(run["workers"] != probes.WORKERS for run in runs):
        seen = f"num_workers = {runs[0]['workers']}"
        return Refusal("workers/dropped", f"num_workers = {probes.WORKERS}", seen)
    one, again, other = (run["batches"] for run in runs)
    first = [item for batch in one[0] for item in batch]
    if [len(batch) for batch in one[0]][:-1] != [probes.BATCH] * (len(one[0]) - 1):
        return Refusal("batch/size", expected, f"batches of {[len(batch) for batch in one[0]]}")
    if sorted(first) != list(range(probes.ITEMS)):
        return Refusal("order/items-lost", expected, f"the items {first}")
    if first == sorted(first):
        return Refusal("order/not-shuffled", "a random order", f"the items {first}")
    if one[0] == one[1]:
        return Refusal("order/same-every-epoch", "another order in each epoch", f"{first} twice")
    if one != again:
        return Refusal("order/not-repeated", "the same order with the same seed", "another one")
    if one == other:
        return Refusal("order/seed-ignored", "another order with another seed", "the same one")
    return None


def workers(calls: list[dict], seed: int) -> Refusal | None:
    expected = "other numbers in each worker"
    if refusal := _no_loader(calls, expected):
        return refusal
    for draws in calls[0]["value"]["draws"]:
        drawn = {tuple(row) for row in draws}
        if len(drawn) < probes.WORKERS:
            rng = probes.Drawing()
            alone = [rng[i][1] for i in range(probes.DRAWS)]
            slug = "streams/left-alone" if tuple(alone) in drawn else "streams/equal"
            return Refusal(slug, expected, f"{probes.WORKERS} times {draws[0]}")
    return None


def epochs(calls: list[dict], seed: int) -> Refusal | None:
    expected = "other numbers in each epoch"
    if refusal := _no_loader(calls, expected):
        return refusal
    if calls[0]["value"]["persistent"]:
        return Refusal("streams/persistent", expected, "persistent_workers = True")
    one, two = calls[0]["value"]["draws"]
    if any(a == b for a, b in zip(one, two, strict=True)):
        return Refusal("streams/same-every-epoch", expected, f"{one[0]} twice")
    replayed = calls[0]["value"]["replayed"]
    if replayed != one[0] and calls[0]["value"]["draws"] == calls[1]["value"]["draws"]:
        return Refusal("streams/counted", f"of a new worker {one[0]}", f"{replayed}")
    return None


def repeats(calls: list[dict], seed: int) -> Refusal | None:
    expected = "the workers' numbers fixed by the seed, whatever else is drawn"
    if refusal := _no_loader(calls, expected):
        return refusal
    one, again, other = (call["value"]["draws"] for call in calls)
    if one != again:
        return Refusal("streams/not-repeated", expected, "other numbers with the same seed")
    if one[0][0] == other[0][0]:
        return Refusal("streams/seed-ignored", expected, "the same numbers with another seed")
    return None


def _no_loader(calls: list[dict], expected: str) -> Refusal | None:
    if refusal := _raised(calls, expected):
        return refusal
    for call in calls:
        value = call["value"]
        if not (isinstance(value, dict) and "draws" in value):
            return common.wrong_type(value, expected) or Refusal(
                "result/wrong-type", expected, "a tensor"
            )
    return None


# Checkpoint

PARTS = ("model", "optimizer", "scheduler", "data", "python", "numpy", "torch")


@lru_cache(maxsize=8)
def _saved(seed: int) -> tuple[dict, tuple]:
    """The states of the run that was saved, and its next losses: the run made again."""
    with restored_state(0):
        trial = probes.saved_run(seed)
        states = trial.states()
        return states, tuple(trial.step() for _ in range(probes.GOES_ON))


def parts(calls: list[dict], seed: int) -> Refusal | None:
    """Model, optimizer, scheduler and data."""
    return _resumed(calls, seed, PARTS[:4])


def random_streams(calls: list[dict], seed: int) -> Refusal | None:
    return _resumed(calls, seed, PARTS[4:])


def _resumed(calls: list[dict], seed: int, names: tuple[str, ...]) -> Refusal | None:
    expected = "the run as it was when it was saved"
    if refusal := _raised(calls[:1], "a checkpoint"):
        return refusal
    right, losses = _saved(seed)
    changed = [name for name in names if calls[0]["states"][name] != right[name]]
    if changed:
        return Refusal("save/changes-the-run", expected, f"{changed[0]} changed by save")
    loading = calls[1]
    if loading["outcome"] == "raised":
        slug = "load/refused" if loading["error"] == "UnpicklingError" else ""
        plain = common.raised(loading, expected)
        return Refusal(slug or plain.slug, expected, plain.seen)
    other = [name for name in names if loading["states"][name] != right[name]]
    if other == list(PARTS[4:]):
        return Refusal("forgets/all-streams", expected, "all three streams are elsewhere")
    if other:
        return Refusal(f"forgets/{other[0]}", expected, f"another state of {other[0]}")
    whole = all(loading["states"][name] == right[name] for name in PARTS)
    if whole and loading["losses"] != list(losses):
        seen = f"the next losses are {loading['losses']}"
        return Refusal("value/wrong", f"the next losses {list(losses)}", seen)
    return None


def replaced(calls: list[dict], seed: int) -> Refusal | None:
    expected = "the new checkpoint in the place of the old one, at once"
    if refusal := _raised(calls, expected):
        return refusal
    if calls[0].get("missing"):
        return Refusal("save/no-file", "a file at the path", "none")
    second = calls[1]
    if second["rewritten"]:
        return Refusal("write/in-place", expected, "the old file's own bytes changed")
    if second["removed"]:
        return Refusal("write/removed-first", expected, "for a while no file at the path")
    if second["elsewhere"]:
        return Refusal("write/other-folder", expected, "a file moved there from another folder")
    if second["renamed"]:
        return Refusal("write/renamed", "os.replace", "os.rename")
    if second["same"]:
        return Refusal("write/not-renewed", expected, "the old one")
    if second["left"]:
        return Refusal("write/left-behind", "no other file", ", ".join(second["left"])[:100])
    return None


def cut_short(calls: list[dict], seed: int) -> Refusal | None:
    expected = "after a save that fails, the last whole checkpoint"
    if refusal := _raised(calls[:1], expected):
        return refusal
    _, failing, loading = calls
    if failing["outcome"] != "raised":
        return Refusal("write/error-hidden", "the error", "none")
    if loading["outcome"] == "raised":
        if loading["error"] == "UnpicklingError" and "Weights only" in loading["text"]:
            return Refusal("load/refused", expected, common.error_text(loading))
        if loading["intact"]:
            return common.raised(loading, expected)
        return Refusal("write/lost", expected, common.error_text(loading))
    first, later = calls[0]["states"], loading["states"]
    before = _untouched(seed)
    mixed = [n for n in PARTS if later[n] not in (first[n], before[n])]
    if mixed:
        return Refusal("write/half", expected, f"another state of {mixed[0]}")
    return None


@lru_cache(maxsize=8)
def _untouched(seed: int) -> dict:
    """The states of the run that the checkpoint was loaded into, untouched."""
    with restored_state(0):
        return probes.other_run(seed).states()


# run_record


def here(calls: list[dict], seed: int) -> Refusal | None:
    """Commit and diff of a repository with staged and other changes, and without any."""
    expected = "the commit, and what git diff HEAD prints"
    for call in calls:
        if refusal := _no_record(call, expected):
            return refusal
    record = calls[0]["value"]
    commit, diffs = _repository(seed)
    seen = record["commit"]
    if seen is None or seen == "":
        return Refusal("commit/missing", f"the commit {commit}", repr(seen))
    if not isinstance(seen, str) or seen != commit:
        slug = "commit/wrong"
        if isinstance(seen, str) and len(seen.strip()) >= 4 and commit.startswith(seen.strip()):
            slug = "commit/not-stripped" if seen.strip() == commit else "commit/short"
        return Refusal(slug, f"the commit {commit}", repr(seen)[:80])
    if refusal := _judged_diff(record["diff"], diffs, expected):
        return refusal
    clean = calls[1]["value"]["diff"]
    if clean is None:
        return Refusal("diff/none-when-clean", "'' where nothing has changed", "None")
    if not isinstance(clean, str) or clean.strip():
        return Refusal("diff/wrong", "'' where nothing has changed", repr(clean)[:80])
    if calls[0]["moved"]:
        return Refusal("record/moves", "the program in the folder where it was", "in another one")
    return None


def _judged_diff(seen: object, diffs: dict[str, str], expected: str) -> Refusal | None:
    if not isinstance(seen, str) or not seen.strip():
        return Refusal("diff/missing", expected, repr(seen)[:80])
    if _changes(seen) == _changes(diffs["HEAD"]):
        return None
    for slug, name in [
        ("diff/unstaged-only", "unstaged"),
        ("diff/staged-only", "staged"),
        ("diff/folder-only", "folder"),
    ]:
        if _changes(seen) == _changes(diffs[name]):
            return Refusal(slug, expected, common.excerpt(seen))
    slug = "diff/wrong" if _changes(seen) else "diff/names-only"
    return Refusal(slug, expected, common.excerpt(seen))


def _changes(diff: str) -> list[str]:
    """The lines that were taken away or added, sorted: the order of the files says nothing."""
    lines = [line.rstrip() for line in diff.splitlines()]
    return sorted(x for x in lines if x[:1] in ("+", "-") and x[:3] not in ("+++", "---"))


@lru_cache(maxsize=8)
def _repository(seed: int) -> tuple[str, dict[str, str]]:
    """The commit of the probe's repository, made again, and what git says of its changes."""
    with tempfile.TemporaryDirectory() as name, mock.patch.dict("os.environ", probes.WHO):
        folder = Path(name)
        probes.repository(folder, seed)
        wholes = {"HEAD": ["HEAD"], "unstaged": [], "staged": ["--cached"]}
        diffs = {name: probes.git(folder, "diff", *options) for name, options in wholes.items()}
        diffs["folder"] = probes.git(folder / "tools", "diff", "HEAD", "--", ".")
        return probes.git(folder, "rev-parse", "HEAD").strip(), diffs


def nowhere(calls: list[dict], seed: int) -> Refusal | None:
    expected = "commit None and diff None, where there is no repository"
    [call] = calls
    if call["outcome"] == "raised":
        known = ("CalledProcessError", "AttributeError", "IndexError", "FileNotFoundError")
        plain = common.raised(call, expected)
        slug = "git/needs-a-repository" if call["error"] in known else plain.slug
        return Refusal(slug, expected, plain.seen)
    if refusal := _no_record(call, expected):
        return refusal
    found = [call["value"][name] for name in ("commit", "diff")]
    if found != [None, None]:
        return Refusal("git/needs-a-repository", expected, repr(found)[:100])
    return None


def data(calls: list[dict], seed: int) -> Refusal | None:
    expected = "the SHA-256 of each file by its path"
    [call] = calls
    if call["outcome"] == "raised" and call["error"] == "UnicodeDecodeError":
        return Refusal("data/reads-text", expected, common.error_text(call))
    if refusal := _no_record(call, expected):
        return refusal
    seen = call["value"]["data"]
    if isinstance(seen, str):
        return Refusal("data/one-hash", expected, repr(seen)[:80])
    if not isinstance(seen, dict):
        return Refusal("data/other-keys", expected, common.excerpt(str(seen)))
    with tempfile.TemporaryDirectory() as name:
        files = probes.record_files(Path(name), seed)
        contents = {str(f.relative_to(name)): f.read_bytes() for f in files}
    if len(seen) == 2 and {Path(key).name for key in seen} == {Path(k).name for k in contents}:
        return Refusal("data/names-collide", f"{len(contents)} entries", f"{list(seen)}")
    if {key.replace("\\", "/") for key in seen} != set(contents):
        return Refusal(
            "data/other-keys", f"the paths, such as …/{list(contents)[0]}", f"{list(seen)}"
        )
    for key, content in contents.items():
        value = seen[key] if key in seen else seen[key.replace("/", "\\")]
        if value != hashlib.sha256(content).hexdigest():
            slug = _hashed(value, content, key, call["folder"])
            return Refusal(slug, f"{hashlib.sha256(content).hexdigest()[:16]}… for {key}",
                           repr(value)[:80])  # fmt: skip
    return None


def _hashed(value: object, content: bytes, key: str, folder: str) -> str:
    if not isinstance(value, str):
        return "data/size" if isinstance(value, int | float) else "data/other-hash"
    if len(value) != 64:
        return "data/other-hash"
    starts = {hashlib.sha256(content[: 2**n]).hexdigest() for n in range(3, 22)}
    if value in starts:
        return "data/of-the-start"
    names = (key, Path(key).name, str(Path(folder) / key))
    of_names = {hashlib.sha256(name.encode()).hexdigest() for name in names}
    return "data/of-the-name" if value in of_names else "data/of-other-bytes"


def plain(calls: list[dict], seed: int) -> Refusal | None:
    """JSON, settings, environment."""
    expected = "a record that JSON can hold, and that stays as it is"
    [call] = calls
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    value = call["value"]
    if not isinstance(value, dict) or "record" not in value:
        return Refusal("result/not-a-record", expected, common.excerpt(str(value)))
    record = value["record"]
    if refusal := _no_record(call | {"value": record}, expected):
        return refusal
    if value["error"]:
        return Refusal("json/refused", expected, value["error"][:100])
    if record["settings"] != probes.record_settings(seed):
        changed = {"rate": 0, "sizes": [8, 16 + seed, 0], "model": {"heads": 0}}
        given = probes.record_settings(seed)
        seen = record["settings"]
        follows = isinstance(seen, dict) and all(
            seen.get(k) in (given[k], changed[k]) for k in given
        )
        return Refusal(
            "settings/follow" if follows else "settings/wrong", f"{given}", f"{seen}"[:120]
        )
    return _judged_environment(record["environment"])


def _judged_environment(seen: object) -> Refusal | None:
    right = {
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": version("numpy"),
    }
    expected = f"python, platform, torch, numpy: {right}"
    if not isinstance(seen, dict) or not {*right, "platform"} <= set(seen):
        return Refusal("environment/incomplete", expected, f"{seen}"[:120])
    for name, number in right.items():
        if number.split("+")[0] not in str(seen[name]):
            return Refusal("environment/wrong", f"{name} {number}", f"{seen[name]}"[:80])
    if platform.platform() not in str(seen["platform"]):
        return Refusal("environment/platform", platform.platform(), f"{seen['platform']}"[:80])
    return None


KEYS = ("commit", "diff", "settings", "environment", "data")


def _no_record(call: dict, expected: str) -> Refusal | None:
    if call["outcome"] == "raised":
        return common.raised(call, expected)
    value = call["value"]
    if value is None:
        return Refusal("result/none", expected, "None")
    if not isinstance(value, dict) or not set(KEYS) <= set(value):
        seen = f"the keys {list(value)}" if isinstance(value, dict) else f"{value}"
        return Refusal("result/not-a-record", f"the keys {list(KEYS)}", seen[:120])
    return None
