"""Rates and gradients are the optimizer's business."""

import tempfile
from pathlib import Path

from course_utils import checks
from course_utils.reproducibility import trained

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/PilesUp"


class TrainerTests(Course):
    test_steps = None

    def test_checkpoint(self, make):
        with tempfile.TemporaryDirectory() as folder:
            trainer = trained(make(0))
            for parameter in trainer.model.parameters():
                parameter.grad = None
            trainer.save(Path(folder) / "run.pt")
            went_on = [trainer.step() for _ in range(3)]
            other = make(1)
            other.load(Path(folder) / "run.pt")
            assert [other.step() for _ in range(3)] == went_on
