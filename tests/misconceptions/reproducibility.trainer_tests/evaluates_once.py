"""An evaluation gives a number."""

from course_utils import checks

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/EvaluatesWithDropout"


class TrainerTests(Course):
    def test_evaluation(self, make):
        trainer = make(0)
        assert trainer.evaluate(trainer.batch(0)) > 0
