"""Train the course's language model: ``python -m course_utils.course_lm.train``.

A Qwen2 decoder with tied embeddings and grouped queries learns the corpus from scratch. Killed at
any moment, the same command goes on from the last whole checkpoint to the same losses.
"""

import argparse
import dataclasses
import hashlib
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor
from tqdm.auto import tqdm
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from . import FOLDER
from .corpus import SHARES, START, Batch, Corpus, tokenizer
from .skills import TEXT


@dataclass(frozen=True)
class Settings:
    """Every hyperparameter of a run."""

    seed: int = 0
    steps: int = 7900
    rows: int = 8
    window: int = 256
    hidden_size: int = 192
    intermediate_size: int = 384
    blocks: int = 8
    heads: int = 6
    kv_heads: int = 3
    muon_lr: float = 0.02
    adam_lr: float = 0.004
    warmup: int = 50
    decay: int = 5000  # over so many last steps the learning rates fall to zero
    full_level_at: int = 1000  # the step from which the corpus is at full difficulty; then the
    full_mixture_at: int = 2200  # mixture moves on, from START to SHARES at this step
    early: float = 0.1  # how much the answers count as read off before the last block,
    early_from: int = 3136  # from this step on

    def __post_init__(self):
        for name in ("steps", "rows", "window", "hidden_size", "blocks", "heads", "kv_heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.full_mixture_at <= self.full_level_at:
            raise ValueError(
                f"full_mixture_at is {self.full_mixture_at}; it must come after full_level_at, "
                f"{self.full_level_at}."
            )

    def learning_rate_factor(self, step: int) -> float:
        rising = (step + 1) / self.warmup
        falling = (self.steps - step) / self.decay
        return min(1.0, rising, falling)

    def level(self, step: int) -> float:
        return min(1.0, step / self.full_level_at)

    def mixture(self, step: int) -> float:
        span = self.full_mixture_at - self.full_level_at
        return min(1.0, max(0.0, (step - self.full_level_at) / span))


def build_model(settings: Settings, vocabulary: int, end_id: int) -> Qwen2ForCausalLM:
    """The untrained model; the same seed gives the same weights."""
    torch.manual_seed(settings.seed)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=settings.hidden_size,
        intermediate_size=settings.intermediate_size,
        num_hidden_layers=settings.blocks,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.kv_heads,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=end_id,
        eos_token_id=end_id,
        pad_token_id=end_id,
    )
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for layer in model.model.layers:
            _start_to_look_alike(layer.self_attn)
            layer.self_attn.o_proj.weight.mul_(0.1)
            layer.mlp.down_proj.weight.mul_(0.1)
    return model


def _start_to_look_alike(attention) -> None:
    """Give each query head the weights of its key head, and noise of its own, so that at first a
    token looks at tokens like itself: copying and reading a context grow out of that.

    Trockman and Kolter, "Mimetic initialization of self-attention layers" (2023).
    """
    queries, keys = attention.q_proj.weight, attention.k_proj.weight.normal_(std=0.05)
    heads = keys.unflatten(0, (-1, attention.head_dim))
    shared = heads.repeat_interleave(attention.num_key_value_groups, dim=0).flatten(0, 1)
    queries.normal_(std=0.025).add_(shared)


def orthogonalized(matrices: Float[Tensor, "n rows cols"]) -> Float[Tensor, "n rows cols"]:
    """Each matrix with its singular values pushed to about 1, by five Newton-Schulz steps.

    Coefficients: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024).
    """
    wide = matrices.size(1) <= matrices.size(2)
    x = matrices if wide else matrices.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x if wide else x.mT


class Muon(torch.optim.Optimizer):
    """Momentum whose step is orthogonalized, for the matrices of the blocks.

    In float32 and with all matrices of a shape at once: torch.optim.Muon works in bfloat16, which
    a CPU without bfloat16 units does many times more slowly.
    """

    def __init__(self, matrices: list[Tensor], lr: float, momentum: float = 0.95):
        super().__init__(matrices, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for matrix in group["params"]:
                by_shape.setdefault(matrix.shape, []).append(matrix)
            for matrices in by_shape.values():
                self._step_alike(matrices, group["lr"], group["momentum"])

    def _step_alike(self, matrices: list[Tensor], lr: float, momentum: float) -> None:
        updates = []
        for matrix in matrices:
            state = self.state[matrix]
            if not state:
                state["momentum"] = torch.zeros_like(matrix)
            state["momentum"].lerp_(matrix.grad, 1 - momentum)
            updates.append(matrix.grad.lerp(state["momentum"], momentum))
        rows, columns = matrices[0].shape
        scale = lr * math.sqrt(max(1, rows / columns))
        for matrix, update in zip(matrices, orthogonalized(torch.stack(updates)), strict=True):
            matrix.add_(update, alpha=-scale)


def optimizers(model: Qwen2ForCausalLM, settings: Settings) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, Adam for the embedding, norms and biases."""
    inner = [p for n, p in model.named_parameters() if p.ndim == 2 and ".layers." in n]
    rest = [p for n, p in model.named_parameters() if p.ndim != 2 or ".layers." not in n]
    adam = torch.optim.AdamW(rest, lr=settings.adam_lr, betas=(0.9, 0.98), weight_decay=0.0)
    return [Muon(inner, settings.muon_lr), adam]


def attention_mask(documents: Int[Tensor, "rows window"]) -> Bool[Tensor, "rows 1 query key"]:
    """True where a token may look: at itself and what came before in the same document."""
    same = documents[:, None, :, None] == documents[:, None, None, :]
    return same.tril()


def positions(documents: Int[Tensor, "rows window"]) -> Int[Tensor, "rows window"]:
    """Positions that count from 0 in each document."""
    index = torch.arange(documents.shape[1], device=documents.device)
    starts = torch.ones_like(documents, dtype=torch.bool)
    starts[:, 1:] = documents[:, 1:] != documents[:, :-1]
    return index - (index * starts).cummax(1).values


def weighted_loss(decoder, unembedding, batch: Batch, early: float = 0.0) -> Tensor:
    """Cross-entropy of the next token, averaged by the tokens' weights; tokens of weight 0 are
    never unembedded. ``early`` times the loss of the answers alone is added, as they are read off
    before the last block: it is to make an answer stronger, not to find it."""
    out = decoder(
        input_ids=batch.ids,
        attention_mask=attention_mask(batch.documents),
        position_ids=positions(batch.documents),
        use_cache=False,
        output_hidden_states=early > 0,
    )
    targets, weights = batch.ids[:, 1:], batch.weights[:, 1:]
    weights = weights * (batch.documents[:, 1:] == batch.documents[:, :-1])

    def mean_loss(hidden: Tensor, counted: Tensor) -> Tensor:
        losses = F.cross_entropy(
            unembedding(hidden[:, :-1][counted]).float(), targets[counted], reduction="none"
        )
        return (losses * weights[counted]).sum() / weights[counted].sum()

    loss = mean_loss(out.last_hidden_state, weights > 0)
    answers = weights > TEXT
    if early and answers.any():
        loss = loss + early * mean_loss(decoder.norm(out.hidden_states[-2]), answers)
    return loss


def _write_whole(path: Path, write) -> None:
    """Let `write(temporary path)` make a file that appears under its name only when complete."""
    temporary = path.with_suffix(path.suffix + ".part")
    write(temporary)
    os.replace(temporary, path)


class Run:
    """A training run in a folder: its settings, its checkpoint, its losses."""

    def __init__(self, folder: Path, settings: Settings, device: str = "cpu", fast: bool = False):
        self.folder, self.settings, self.device = folder, settings, device
        folder.mkdir(parents=True, exist_ok=True)
        self._match_settings()
        if not (folder / "tokenizer.json").exists():
            tokenizer().save_pretrained(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.corpus = Corpus(self.tokenizer, settings.seed, settings.window)
        end = self.tokenizer.eos_token_id
        self.model = build_model(settings, len(self.tokenizer), end).to(device)
        self.optimizers = optimizers(self.model, settings)
        self.decoder = torch.compile(self.model.model) if fast else self.model.model
        self.losses: list[float] = []
        self.seconds = 0.0
        self.commits: dict[int, str] = {}  # the first step made by each
        if (folder / "checkpoint.pt").exists():
            self._resume()

    def _match_settings(self) -> None:
        path, mine = self.folder / "settings.json", dataclasses.asdict(self.settings)
        if path.exists() and json.loads(path.read_text()) != mine:
            raise ValueError(
                f"{self.folder} holds a run with other settings; name another folder with --run, "
                "or delete it to start afresh."
            )
        _write_whole(path, lambda p: p.write_text(json.dumps(mine, indent=1)))

    def _resume(self) -> None:
        saved = torch.load(self.folder / "checkpoint.pt", map_location=self.device)
        self.model.load_state_dict(saved["model"])
        for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.losses, self.seconds = saved["losses"], saved["seconds"]
        self.commits = saved["commits"]

    def checkpoint(self) -> None:
        saved = {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "losses": self.losses,
            "seconds": self.seconds,
            "commits": self.commits,
        }
        _write_whole(self.folder / "checkpoint.pt", lambda p: torch.save(saved, p))

    def step(self) -> float:
        """One step of the optimizers; returns the loss before it."""
        index, settings = len(self.losses), self.settings
        batch = self.corpus.batch(
            index, settings.rows, settings.level(index), settings.mixture(index)
        )
        batch = Batch(*(tensor.to(self.device) for tensor in batch))
        early = settings.early if index >= settings.early_from else 0.0
        loss = weighted_loss(self.decoder, self.model.lm_head, batch, early)
        loss.backward()
        factor = settings.learning_rate_factor(index)
        for optimizer, rate in zip(
            self.optimizers, (settings.muon_lr, settings.adam_lr), strict=True
        ):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad()
        self.losses.append(loss.item())
        return self.losses[-1]

    def train(self, until: int | None = None, checkpoint_every: float = 120.0) -> None:
        """Go on to step `until` (default: the end), with a checkpoint every so many seconds."""
        until = self.settings.steps if until is None else min(until, self.settings.steps)
        commit = _git_hash()
        if commit not in list(self.commits.values())[-1:]:
            self.commits[len(self.losses)] = commit
        started, saved = time.time() - self.seconds, time.time()
        with tqdm(total=self.settings.steps, initial=len(self.losses), unit="step") as bar:
            while len(self.losses) < until:
                loss = self.step()
                self.seconds = time.time() - started
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                bar.update()
                if time.time() - saved > checkpoint_every:
                    self.checkpoint()
                    saved = time.time()
        self.checkpoint()

    def export(self, folder: Path) -> None:
        """Write model (float16), tokenizer, hashes and the record of the run, then swap the
        folder in whole."""
        new = folder.with_name(folder.name + ".part")
        shutil.rmtree(new, ignore_errors=True)
        half = build_model(self.settings, len(self.tokenizer), self.tokenizer.eos_token_id)
        half.load_state_dict(self.model.state_dict())
        half.half().save_pretrained(new)
        self.tokenizer.save_pretrained(new)
        (new / "training.json").write_text(json.dumps(self.record(), indent=1))
        hashes = {
            f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(new.glob("*.*"))
        }
        (new / "hashes.json").write_text(json.dumps(hashes, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(new, folder)

    def record(self) -> dict:
        """What was run, on what, for how long, and the loss curve (means of 20 steps)."""
        means = [self.losses[i : i + 20] for i in range(0, len(self.losses), 20)]
        settings = self.settings
        return {
            "settings": dataclasses.asdict(settings),
            "shares": {"start": START, "end": SHARES},
            "commits": self.commits,
            "torch": torch.__version__,
            "device": self.device,
            "processor": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            "steps": len(self.losses),
            "tokens": len(self.losses) * settings.rows * settings.window,
            "seconds": round(self.seconds),
            "losses": [round(sum(m) / len(m), 4) for m in means],
        }


def _git_hash() -> str:
    """The commit of the checkout, with "+" when the training's own files differ from it;
    "unknown" without git."""
    here = Path(__file__).parent
    try:
        git = ["git", "-C", str(here)]
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)
        changed = subprocess.run([*git, "status", "--porcelain", "*.py"], capture_output=True)
    except FileNotFoundError:
        return "unknown"
    if commit.returncode:
        return "unknown"
    return commit.stdout.strip() + ("+" if changed.stdout else "")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.course_lm.train", description=__doc__
    )
    parser.add_argument("--run", type=Path, default=Path("runs/course_lm"), help="checkpoints")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the trained model goes")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--until", type=int, help="stop (resumable) after this step")
    for field in dataclasses.fields(Settings):
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(flag, type=field.type, default=field.default, help="%(default)s")
    options = vars(parser.parse_args(arguments))
    run_folder, out, device, until = (options.pop(k) for k in ("run", "out", "device", "until"))
    torch.set_flush_denormal(True)
    fast = device == "cpu" and shutil.which("g++") is not None
    try:
        run = Run(run_folder, Settings(**options), device, fast)
        run.train(until)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from the last checkpoint.", file=sys.stderr)
        return 130
    if len(run.losses) == run.settings.steps:
        run.export(out)
        print(f"Model written to {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
