"""Every parameter learns in the first step."""

import torch

from course_utils import checks
from course_utils.reproducibility import weights

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "refuses/ZeroStart"


class TrainerTests(Course):
    def test_first_step(self, make):
        trainer = make(0)
        before = weights(trainer)
        trainer.step()
        assert not any(map(torch.equal, before, weights(trainer)))
