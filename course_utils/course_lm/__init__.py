"""The course's own language model: its world, its corpus, its training, its weights.

Importing this package loads neither torch nor transformers.
"""

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent / "weights"


def weights_sha256() -> str:
    """SHA-256 of the bundled ``model.safetensors``, in hex.

    Raises FileNotFoundError if the weights are not there.
    """
    return hashlib.sha256((FOLDER / "model.safetensors").read_bytes()).hexdigest()
