"""Train the course's model of texts and pictures: ``python -m course_utils.course_clip.train``.

A CLIP model learns from scratch to tell rendered scenes and their captions from one another. Every
batch holds scenes that differ in one thing from another of the batch. Killed at any moment, the
same command goes on from the last checkpoint to the same losses.

Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision"
(2021).
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import math
import os
import random
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor
from torch.nn import functional as F
from tqdm.auto import tqdm
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPProcessor,
    PreTrainedTokenizerFast,
)

from ..course_lm.train import Muon
from . import FOLDER, scenes
from .scenes import Scene

WORDS = (
    *scenes.NUMBERS,
    *scenes.COLORS,
    *(shape + plural for shape in scenes.SHAPES for plural in ("", "s")),
    *(word for pair in scenes.OPPOSITES.items() for phrase in pair for word in phrase.split()),
)
SPECIAL = ("[pad]", "[unk]", "[start]", "[end]")
MEAN = STD = 0.5
LARGEST_SCALE = math.log(100)


@dataclass(frozen=True)
class Settings:
    """Every hyperparameter of a run."""

    seed: int = 0
    steps: int = 500
    batch: int = 192
    family: int = 4  # scenes of a batch that differ in one thing from the first of them
    single: float = 0.1  # of the families, with one group
    width: int = 128
    projection: int = 64
    text_blocks: int = 3
    image_blocks: int = 4
    heads: int = 4
    muon_lr: float = 0.02
    adam_lr: float = 0.002
    warmup: int = 30

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if field.name not in ("seed", "single") and getattr(self, field.name) <= 0:
                raise ValueError(f"{field.name} is {getattr(self, field.name)}: give more than 0.")
        if self.batch % self.family:
            raise ValueError(f"batch {self.batch} is no multiple of family {self.family}.")

    def learning_rate_factor(self, step: int) -> float:
        rising = (step + 1) / self.warmup
        return min(1.0, rising) * (1 - step / self.steps)


def tokenizer() -> PreTrainedTokenizerFast:
    """A token for each word of the captions."""
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys((*SPECIAL, *WORDS)))}
    tokens = Tokenizer(models.WordLevel(vocabulary, unk_token="[unk]"))
    tokens.normalizer = normalizers.Lowercase()
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens.post_processor = processors.TemplateProcessing(
        single="[start] $A [end]",
        special_tokens=[(name, vocabulary[name]) for name in ("[start]", "[end]")],
    )
    names = zip(("pad_token", "unk_token", "bos_token", "eos_token"), SPECIAL, strict=True)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokens,
        model_max_length=24,
        model_input_names=["input_ids", "attention_mask"],
        **dict(names),
    )


def processor() -> CLIPProcessor:
    """Tokenizer and image processor; pictures of other sizes are scaled and cut to the scenes'."""
    size = {"height": scenes.SIZE, "width": scenes.SIZE}
    images = CLIPImageProcessorPil(
        size={"shortest_edge": scenes.SIZE},
        crop_size=size,
        image_mean=[MEAN] * 3,
        image_std=[STD] * 3,
    )
    return CLIPProcessor(images, tokenizer())


def build_model(settings: Settings) -> CLIPModel:
    """The untrained model; the same seed gives the same weights."""
    words = tokenizer()
    common = {
        "hidden_size": settings.width,
        "intermediate_size": 3 * settings.width,
        "num_attention_heads": settings.heads,
    }
    text = common | {
        "num_hidden_layers": settings.text_blocks,
        "vocab_size": len(words),
        "max_position_embeddings": words.model_max_length,
        "pad_token_id": words.pad_token_id,
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
    }
    vision = common | {
        "num_hidden_layers": settings.image_blocks,
        "image_size": scenes.SIZE,
        "patch_size": scenes.CELL,
    }
    torch.manual_seed(settings.seed)
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=settings.projection)
    return CLIPModel(config)


def batch_scenes(settings: Settings, step: int) -> list[Scene]:
    """The different scenes of a step, family by family; none is held out."""
    rng = random.Random(f"{settings.seed} {step}")
    chosen: dict[Scene, None] = {}
    while len(chosen) < settings.batch:
        single = rng.random() < settings.single
        base = Scene(rng.choice(scenes.groups())) if single else rng.choice(scenes.pairs())
        others = list(scenes.neighbors(base))
        rng.shuffle(others)
        family = dict.fromkeys([base, *others])
        fresh = [s for s in family if _is_usable(s) and s not in chosen]
        if len(fresh) >= settings.family:
            chosen.update(dict.fromkeys(fresh[: settings.family]))
    return list(chosen)


def _is_usable(scene: Scene) -> bool:
    return scenes.is_scene(scene) and not scene.is_held_out


def batch_inputs(chosen: list[Scene], seed: object) -> tuple[Float[Tensor, "n 3 48 48"], list[str]]:
    """Pictures, as the image processor would give them, and a caption of each."""
    rng = random.Random(f"inputs {seed}")
    pictures = np.stack([scenes.pixels(scene, rng) for scene in chosen])
    values = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255)
    return (values - MEAN) / STD, [rng.choice(scene.captions) for scene in chosen]


def embed(
    model: CLIPModel, words: PreTrainedTokenizerFast, pictures: Tensor, captions: list[str]
) -> tuple[Float[Tensor, "n projection"], Float[Tensor, "n projection"]]:
    """The vectors of pictures and captions, of any length."""
    tokens = words(captions, return_tensors="pt", padding=True).to(model.device)
    images = model.get_image_features(pixel_values=pictures.to(model.device)).pooler_output
    return images, model.get_text_features(**tokens).pooler_output


def contrastive_loss(images: Tensor, texts: Tensor, log_scale: Tensor) -> Tensor:
    """InfoNCE in both directions; the temperature is exp(-log_scale), learned."""
    logits = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T * log_scale.exp()
    labels = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def optimizers(model: CLIPModel, settings: Settings) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, Adam for everything else."""
    inner = [p for n, p in model.named_parameters() if p.ndim == 2 and ".layers." in n]
    rest = [p for n, p in model.named_parameters() if p.ndim != 2 or ".layers." not in n]
    adam = torch.optim.AdamW(rest, lr=settings.adam_lr, betas=(0.9, 0.98), weight_decay=0.0)
    return [Muon(inner, settings.muon_lr), adam]


class Run:
    """A training run in a folder: its settings, its checkpoint, its losses."""

    def __init__(self, folder: Path, settings: Settings, device: str = "cpu"):
        self.folder, self.settings = folder, settings
        folder.mkdir(parents=True, exist_ok=True)
        path, mine = folder / "settings.json", dataclasses.asdict(settings)
        if path.exists() and json.loads(path.read_text()) != mine:
            raise ValueError(
                f"{folder} holds a run with other settings; name another folder with --run, or "
                "delete it to start afresh."
            )
        path.write_text(json.dumps(mine, indent=1))
        self.words = tokenizer()
        self.model = build_model(settings).to(device)
        self.optimizers = optimizers(self.model, settings)
        self.losses: list[float] = []
        self.seconds = 0.0
        if (folder / "checkpoint.pt").exists():
            saved = torch.load(folder / "checkpoint.pt", map_location=device)
            self.model.load_state_dict(saved["model"])
            for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
                optimizer.load_state_dict(state)
            self.losses, self.seconds = saved["losses"], saved["seconds"]

    def checkpoint(self) -> None:
        saved = {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "losses": self.losses,
            "seconds": self.seconds,
        }
        torch.save(saved, self.folder / "checkpoint.part")
        os.replace(self.folder / "checkpoint.part", self.folder / "checkpoint.pt")

    def step(self) -> float:
        """One step of the optimizers; returns the loss before it."""
        index, settings = len(self.losses), self.settings
        pictures, captions = batch_inputs(batch_scenes(settings, index), (settings.seed, index))
        images, texts = embed(self.model, self.words, pictures, captions)
        loss = contrastive_loss(images, texts, self.model.logit_scale)
        loss.backward()
        factor = settings.learning_rate_factor(index)
        rates = (settings.muon_lr, settings.adam_lr)
        for optimizer, rate in zip(self.optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad()
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=LARGEST_SCALE)
        self.losses.append(loss.item())
        return self.losses[-1]

    def train(self, until: int | None = None, checkpoint_every: float = 60.0) -> None:
        """Go on to step `until` (default: the end), with a checkpoint every so many seconds."""
        until = self.settings.steps if until is None else min(until, self.settings.steps)
        started, saved = time.time() - self.seconds, time.time()
        with tqdm(total=self.settings.steps, initial=len(self.losses), unit="step") as bar:
            while len(self.losses) < until:
                bar.set_postfix(loss=f"{self.step():.3f}", refresh=False)
                bar.update()
                self.seconds = time.time() - started
                if time.time() - saved > checkpoint_every:
                    self.checkpoint()
                    saved = time.time()
        self.checkpoint()

    def export(self, folder: Path) -> None:
        """Write the model (float16) as a SentenceTransformer, then swap the folder in whole."""
        from sentence_transformers import SentenceTransformer

        new, plain = (folder.with_name(folder.name + end) for end in (".part", ".plain"))
        for made in (new, plain):
            shutil.rmtree(made, ignore_errors=True)
        half = build_model(self.settings)
        half.load_state_dict(self.model.state_dict())
        half.half().save_pretrained(plain)
        processor().save_pretrained(plain)
        SentenceTransformer(str(plain), device="cpu").save_pretrained(
            str(new), create_model_card=False
        )
        (new / "training.json").write_text(json.dumps(self.record(), indent=1))
        files = sorted(path for path in new.rglob("*") if path.is_file())
        hashes = {
            str(path.relative_to(new)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }
        (new / "hashes.json").write_text(json.dumps(hashes, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(new, folder)
        shutil.rmtree(plain)

    def record(self) -> dict:
        """What was run, for how long, and the loss curve (means of 20 steps)."""
        means = [self.losses[i : i + 20] for i in range(0, len(self.losses), 20)]
        return {
            "settings": dataclasses.asdict(self.settings),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "steps": len(self.losses),
            "seconds": round(self.seconds),
            "losses": [round(sum(m) / len(m), 4) for m in means],
        }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.course_clip.train", description=__doc__
    )
    parser.add_argument("--run", type=Path, default=Path("runs/course_clip"), help="checkpoints")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the trained model goes")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--until", type=int, help="stop (resumable) after this step")
    for field in dataclasses.fields(Settings):
        kind = float if isinstance(field.default, float) else int
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(flag, type=kind, default=field.default, help="%(default)s")
    options = vars(parser.parse_args(arguments))
    folder, out, device, until = (options.pop(k) for k in ("run", "out", "device", "until"))
    try:
        run = Run(folder, Settings(**options), device)
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
