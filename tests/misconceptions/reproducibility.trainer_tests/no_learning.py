"""Tests without training are faster."""

from course_utils import checks

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/ForgetsPart"


class TrainerTests(Course):
    test_learning = None
