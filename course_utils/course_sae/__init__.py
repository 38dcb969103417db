"""The course's own sparse autoencoder: of the middle block of course-lm.

Importing this package loads no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_utils.sae import SparseAutoencoder

FOLDER = Path(__file__).parent / "weights"
BLOCK = 4
"""The block of course-lm whose output it reads."""


def load_sae() -> SparseAutoencoder:
    """The shipped SAE, in float32, frozen. Raises ValueError where the weights are not there."""
    from course_utils.sae import SparseAutoencoder

    return SparseAutoencoder.load(FOLDER)
