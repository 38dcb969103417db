"""Forgets the subject where a sentence ends."""

import re

MISCONCEPTION = "subject/forgotten"


def split_facts(text):
    facts, subject = [], ""
    for sentence in re.finditer(r"\S.*?(?:\.(?=\s|$)|$)", text, re.DOTALL):
        stop = sentence.end() - sentence[0].endswith(".")
        begin, subject = sentence.start(), ""
        joints = re.compile(r", and |, | and ").finditer(text, begin, stop)
        ends = [joint.span() for joint in joints]
        for end, after in [*ends, (stop, stop)]:
            clause = text[begin:end]
            first, _, rest = clause.partition(" ")
            if first in ("He", "She", "They", "It"):
                said = subject + " " + rest
            elif first[:1].isupper():
                subject, said = first, clause
            else:
                said = subject + " " + clause
            facts.append((said, begin, end))
            begin = after
    return facts
