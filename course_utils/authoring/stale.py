"""What is out of date by hash: notebooks run on other weights or sources, the model card."""

import hashlib
import json
from pathlib import Path

from course_utils import course_lm

CARD = "MODEL_CARD.md"


def stale(root: Path) -> dict[str, str]:
    """For each stale notebook (its stem), and for the model card, a line that says why."""
    weights = course_lm.weights_sha256()
    found = {}
    card = course_lm.FOLDER.parent / CARD
    if not card.exists() or weights not in card.read_text(encoding="utf-8"):
        found[CARD] = f"{CARD}: not measured on these weights; measure them again"
    for source in sorted((root / "solutions").glob("[0-9][0-9]*_*.py")):
        executed = source.with_suffix(".ipynb")
        if why := _why(source, executed, weights):
            found[source.stem] = (
                f"solutions/{executed.name}: {why}; run `course build {source.stem}`"
            )
    return found


def _why(source: Path, executed: Path, weights: str) -> str:
    if not executed.exists():
        return "missing"
    course = json.loads(executed.read_text(encoding="utf-8"))["metadata"].get("course", {})
    if course.get("weights_sha256") != weights:
        return "run on other weights"
    if course.get("source_sha256") != hashlib.sha256(source.read_bytes()).hexdigest():
        return "run from another source"
    return ""
