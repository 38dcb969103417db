"""Train the course's SAE, measure it, write its card: ``python -m course_utils.course_sae.train``.

Killed at any moment, the same command goes on from the last checkpoint to the same weights.
"""

import argparse
import dataclasses
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from course_utils.course_lm import FOLDER as MODEL
from course_utils.course_lm import command, weights_sha256
from course_utils.course_lm.corpus import texts
from course_utils.models import load_lm
from course_utils.sae import (
    TOPK,
    WEIGHTS_FILE,
    ActivationStream,
    Quality,
    SparseAutoencoder,
    course_documents,
    quality,
    train,
)

from . import BLOCK, FOLDER

CARD = FOLDER.parent / "MODEL_CARD.md"
UNSEEN = 1_000_000_007  # the seed of the texts that it is measured on


@dataclass(frozen=True)
class Settings:
    """Every hyperparameter of a run."""

    latents: int = 1536
    k: int = 16
    steps: int = 6000
    batch_size: int = 1024
    held: int = 64
    passes: int = 4
    learning_rate: float = 2e-3
    seed: int = 0


def trained(settings: Settings, run: Path, until: int | None = None) -> SparseAutoencoder:
    """The SAE after step `until`, or after the last."""
    model, tokenizer = load_lm(MODEL, device="cpu")
    stream = ActivationStream(
        model,
        tokenizer,
        BLOCK,
        course_documents(settings.seed),
        settings.batch_size,
        settings.held,
        settings.passes,
        settings.seed,
    )
    return train(
        stream,
        settings.latents,
        TOPK,
        settings.k,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        checkpoint=run / "checkpoint.pt",
        until=until,
    )


def export(sae: SparseAutoencoder, settings: Settings, folder: Path) -> None:
    """Write the SAE in float16, then swap the folder in whole."""
    sae.metadata = {
        "model_name": "course-lm",
        "hook_name": f"blocks.{BLOCK}.hook_resid_post",
        "model_sha256": weights_sha256(),
        "training": dataclasses.asdict(settings),
    }
    new = folder.with_name(folder.name + ".part")
    shutil.rmtree(new, ignore_errors=True)
    sae.save(new, torch.float16)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


def card(folder: Path, documents: int) -> tuple[str, Quality]:
    """The text of the card of the SAE in the folder, and what was measured on unseen documents."""
    model, tokenizer = load_lm(MODEL, device="cpu")
    sae = SparseAutoencoder.load(folder)
    found = quality(model, tokenizer, sae, BLOCK, list(texts(UNSEEN, documents)))
    text = CARD_TEXT.format(
        latents=f"{sae.d_sae:,}",
        times=sae.d_sae // sae.d_in,
        k=sae.k,
        block=BLOCK,
        d_in=sae.d_in,
        bytes=f"{(folder / WEIGHTS_FILE).stat().st_size:,}",
        documents=f"{documents:,}",
        tokens=f"{found.tokens:,}",
        l0=f"{found.l0:.1f}",
        fvu=f"{found.fvu:.3f}",
        dead=f"{100 * found.dead:.1f}",
        recovered=f"{100 * found.loss_recovered:.1f}",
        loss=f"{found.loss:.3f}",
        loss_of_mean=f"{found.loss_of_mean:.2f}",
        loss_of_reconstruction=f"{found.loss_of_reconstruction:.3f}",
        **{
            name: f"{sae.metadata['training'][name]:,}"
            for name in ("steps", "batch_size", "passes", "seed")
        },
        sha256=sae.metadata["model_sha256"],
    )
    return text, found


CARD_TEXT = """# The SAE of course-lm

A sparse autoencoder of the output of block {block} of course-lm, the model of `course_lm`, so that
the notebook on sparse autoencoders has one to read without training it first.

| | |
|---|---|
| latents | {latents}, {times} times the width of {d_in} |
| activation | TopK, k = {k} |
| file | {bytes} bytes in float16, in the layout of SAELens (`weights/`) |
| made for weights | `{sha256}` |

Measured on {documents} documents of a seed that it never saw ({tokens} tokens), in float32:

| | measured | bar |
|---|---|---|
| latents that fire a token (L0) | {l0} | ≤ 32 |
| fraction of variance unexplained | {fvu} | |
| loss recovered, against the mean | {recovered} % | ≥ 95 % |
| latents that never fire | {dead} % | ≤ 5 % |

The losses behind it, in nats a token: {loss} of the model itself, {loss_of_reconstruction} with the
reconstruction in place of the residual stream, {loss_of_mean} with its mean there. So far apart,
the share that is recovered is near 100 % for many a SAE: look at the losses too.

`python -m course_utils.course_sae.train` makes it again: {steps} steps of {batch_size} activations,
each of which is used {passes} times, seed {seed}. Every setting stands in `weights/cfg.json`.
"""


def main(arguments: list[str] | None = None) -> int:
    parser = command.parser("course_sae", __doc__, Settings, FOLDER)
    parser.add_argument("--documents", type=int, default=2500, help="to measure on")
    options = parser.parse_args(arguments)
    return command.exit_code(lambda: _measured(options))


def _measured(options: argparse.Namespace) -> int:
    """Train, then write the SAE and its card; 1 where it misses a bar."""
    settings = command.given(Settings, options)
    sae = trained(settings, options.run, options.until)
    if options.until is not None and options.until < settings.steps:
        return 0
    export(sae, settings, options.out)
    text, found = card(options.out, options.documents)
    (CARD if options.out == FOLDER else options.out / CARD.name).write_text(text)
    print(text)
    return 0 if found.loss_recovered >= 0.95 and found.dead <= 0.05 and found.l0 <= 32 else 1


if __name__ == "__main__":
    sys.exit(main())
