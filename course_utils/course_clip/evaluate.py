"""Measure the model of texts and pictures: ``python -m course_utils.course_clip.evaluate``.

Writes MODEL_CARD.md. Every measured scene is a combination of two groups that was never trained.
"""

from __future__ import annotations

import hashlib
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


def card(results: dict[str, float], record: dict, weights: Path) -> str:
    size, digest = weights.stat().st_size, hashlib.sha256(weights.read_bytes()).hexdigest()
    colors, shapes, most = len(scenes.COLORS), len(scenes.SHAPES), len(scenes.NUMBERS)
    rows = "\n".join(f"| {name} | {value:.3f} |" for name, value in results.items())
    return f"""# The course's model of texts and pictures

A CLIP model trained from scratch on rendered scenes, {record["steps"]} steps, by
`python -m course_utils.course_clip.train`.

It knows {colors} colors, {shapes} shapes, numbers up to {most} and four relations, and nothing
else: photos mean nothing to it, and a word outside its captions is unknown.

`model.safetensors`: {size / 2**20:.1f} MiB in float16, SHA-256 `{digest}`.

## Measured

Over {GALLERY:,} scenes whose combination of two groups was never trained, by
`python -m course_utils.course_clip.evaluate`:

| by | recall |
|---|---|
{rows}

By caption, the one right picture among all is looked for; by picture, the one right caption.
"""


def main() -> None:
    results = measure(load_clip())
    record = json.loads((FOLDER / "training.json").read_text())
    CARD.write_text(card(results, record, FOLDER / "model.safetensors"))
    for name, value in results.items():
        print(f"{name:28} {value:.3f}")


if __name__ == "__main__":
    main()
