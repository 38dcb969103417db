"""The course's own model of texts and pictures: a small CLIP of rendered scenes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

FOLDER = Path(__file__).parent / "weights"


def load_clip(folder: Path = FOLDER) -> SentenceTransformer:
    """The model in float32: its `encode` takes captions and pictures to vectors of one space.

    Raises ModelError.
    """
    from ..models import ModelError, load_embedder

    if not (folder / "modules.json").is_file():
        raise ModelError(
            f"{folder} holds no model: train one with `python -m course_utils.course_clip.train`."
        )
    return load_embedder(folder).float()
