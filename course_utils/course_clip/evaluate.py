"""Measure the model of texts and pictures: ``python -m course_utils.course_clip.evaluate``.

Writes MODEL_CARD.md. Every measured scene is a combination of two groups that was never trained.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..retrieval.similarity import ExactSearch, recall_at_k
from . import FOLDER, load_clip, scenes

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

GALLERY = 1000
CARD = Path(__file__).with_name("MODEL_CARD.md")


def measure(model: SentenceTransformer, n: int = GALLERY) -> dict[str, float]:
    """Recall at 1 and 5 over n held-out scenes, by caption, by its other form, and by picture.

    A caption has one scene among them. A picture looks for the caption.
    """
    chosen = scenes.gallery(n)
    pictures = [scenes.picture(scene, seed) for seed, scene in enumerate(chosen)]
    vectors = {
        "caption": [scene.captions[0] for scene in chosen],
        "other form": [scene.captions[1] for scene in chosen],
        "picture": pictures,
    }
    with torch.no_grad():
        made = {
            name: model.encode(inputs, convert_to_tensor=True, show_progress_bar=False)
            for name, inputs in vectors.items()
        }
    relevant = [{i} for i in range(n)]
    results = {}
    for name, corpus in (("caption", "picture"), ("other form", "picture"), ("picture", "caption")):
        _, found = ExactSearch(made[corpus]).search(made[name], 5)
        for k in (1, 5):
            results[f"{name}, recall@{k}"] = recall_at_k(found, relevant, k)
    return results


def card(results: dict[str, float], record: dict, n_bytes: int) -> str:
    rows = "\n".join(f"| {name} | {value:.3f} |" for name, value in results.items())
    return f"""# The course's model of texts and pictures

A CLIP model trained from scratch on rendered scenes by `python -m course_utils.course_clip.train`:
{record["steps"]} steps in {record["seconds"] / 60:.0f} minutes on {record["threads"]} threads;
{n_bytes / 2**20:.1f} MiB of weights in float16. It knows {len(scenes.COLORS)} colors,
{len(scenes.SHAPES)} shapes, numbers up to {len(scenes.NUMBERS)} and four relations, and nothing
else: photos mean nothing to it, and a word outside its captions is unknown.

## Measured

Over {GALLERY:,} scenes whose combination of two groups was never trained:

| by | recall |
|---|---|
{rows}

Written by `python -m course_utils.course_clip.evaluate`.
"""


def main() -> None:
    results = measure(load_clip())
    record = json.loads((FOLDER / "training.json").read_text())
    n_bytes = sum(path.stat().st_size for path in FOLDER.rglob("*.safetensors"))
    CARD.write_text(card(results, record, n_bytes))
    for name, value in results.items():
        print(f"{name:28} {value:.3f}")


if __name__ == "__main__":
    main()
