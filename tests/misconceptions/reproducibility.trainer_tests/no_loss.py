"""Learning is enough of a test for the loss."""

from course_utils import checks

Course = checks.reference("reproducibility.trainer_tests")

MISCONCEPTION = "survives/NoShift"


class TrainerTests(Course):
    test_loss = None
