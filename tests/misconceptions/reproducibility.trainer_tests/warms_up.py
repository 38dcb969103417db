"""A rate rises at first."""

from course_utils import checks

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "refuses/Decaying"


class TrainerTests(Course):
    def test_warm_up(self, make):
        trainer = make(0)
        assert trainer.rate(0) < trainer.rate(1)
