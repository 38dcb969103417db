"""Three steps are enough for a tenth."""

from course_utils import checks

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "refuses/Trainer"


class TrainerTests(Course):
    def test_quick(self, make):
        trainer = make(0)
        ids = trainer.batch(0)
        before = trainer.evaluate(ids)
        for _ in range(3):
            trainer.step(ids)
        assert trainer.evaluate(ids) < 0.1 * before
