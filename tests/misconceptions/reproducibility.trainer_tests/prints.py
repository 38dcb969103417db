"""Looks at the loss."""

MISCONCEPTION = "survives/NoShift"


class TrainerTests:
    def test_loss(self, make):
        trainer = make(0)
        for _ in range(5):
            print(trainer.step())
