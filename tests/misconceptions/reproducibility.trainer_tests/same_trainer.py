"""Loads into the trainer that was saved."""

import tempfile
from pathlib import Path

import torch

from course_utils import checks
from course_utils.reproducibility import trained

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/ForgetsRandom"


class TrainerTests(Course):
    def test_checkpoint(self, make):
        with tempfile.TemporaryDirectory() as folder:
            trainer = trained(make(0))
            trainer.save(Path(folder) / "run.pt")
            state = torch.get_rng_state()
            went_on = [trainer.step() for _ in range(3)]
            other = make(1)
            torch.set_rng_state(state)
            other.load(Path(folder) / "run.pt")
            assert [other.step() for _ in range(3)] == went_on
