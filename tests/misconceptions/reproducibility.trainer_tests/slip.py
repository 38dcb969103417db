"""A method that a trainer does not have."""

from course_utils import checks

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "suite/own-error"


class TrainerTests(Course):
    def test_length(self, make):
        assert make(0).sequence_length == 9
