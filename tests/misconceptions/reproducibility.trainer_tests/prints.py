"""Looks at the loss."""

MISCONCEPTION = "suite/never-fails"


class TrainerTests:
    def test_loss(self, make):
        trainer = make(0)
        for _ in range(5):
            print(trainer.step())
