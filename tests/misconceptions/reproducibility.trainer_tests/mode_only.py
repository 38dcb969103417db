"""After an evaluation the model trains again."""

from course_utils import checks
from course_utils.reproducibility import trained

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/LearnsFromEvaluation"


class TrainerTests(Course):
    def test_evaluation(self, make):
        trainer = trained(make(0))
        ids = trainer.batch(100)
        assert trainer.evaluate(ids) == trainer.evaluate(ids)
        assert trainer.model.training
