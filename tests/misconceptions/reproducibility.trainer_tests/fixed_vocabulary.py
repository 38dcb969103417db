"""Nineteen tokens, as in the plain trainer."""

import math

from course_utils import checks

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "refuses/ZeroStart"


class TrainerTests(Course):
    def test_first_loss(self, make):
        trainer = make(0)
        loss = trainer.evaluate(trainer.batch(0))
        assert abs(loss - math.log(19)) < 0.3
