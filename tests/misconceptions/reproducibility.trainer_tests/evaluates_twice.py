"""Twice the same: so it changes nothing."""

from course_utils import checks
from course_utils.reproducibility import trained

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/StaysInEvaluation"


class TrainerTests(Course):
    def test_evaluation(self, make):
        trainer = trained(make(0))
        ids = trainer.batch(100)
        assert trainer.evaluate(ids) == trainer.evaluate(ids)
