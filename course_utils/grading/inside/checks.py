"""Stands for ``course_utils.checks`` inside the sandbox: the names that setup cells import."""


def check(id: str, answer: object) -> None:
    """Nothing: the checks are outside."""


def mine_or_reference(id: str, answer: object) -> object:
    """The answer itself: the references are withheld."""
    return answer
