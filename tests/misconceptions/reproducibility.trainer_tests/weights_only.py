"""After loading the weights are the same: so it works."""

import tempfile
from pathlib import Path

import torch

from course_utils import checks
from course_utils.reproducibility import trained, weights

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/ForgetsOptimizer"


class TrainerTests(Course):
    def test_checkpoint(self, make):
        with tempfile.TemporaryDirectory() as folder:
            trainer, other = trained(make(0)), make(1)
            trainer.save(Path(folder) / "run.pt")
            other.load(Path(folder) / "run.pt")
        assert all(map(torch.equal, weights(trainer), weights(other)))
