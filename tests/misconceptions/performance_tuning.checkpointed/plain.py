"""Just runs the blocks."""

MISCONCEPTION = "kept/everything"


def checkpointed(blocks, x, k):
    for block in blocks:
        x = block(x)
    return x
