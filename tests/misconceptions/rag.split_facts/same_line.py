"""Splits at a period and a space alone."""

import re

MISCONCEPTION = "sentence/line-break"


def split_facts(text):
    facts, subject, start = [], "", 0
    for sentence in text.split(". ") if text else []:
        whole = sentence.rstrip(".")
        begin = start
        for clause in re.split(r", and |, | and ", whole):
            begin = text.index(clause, begin)
            first, _, rest = clause.partition(" ")
            if first in ("He", "She", "They", "It") and subject:
                said = subject + " " + rest
            elif first[:1].isupper():
                subject, said = first, clause
            else:
                said = subject + " " + clause
            facts.append((said, begin, begin + len(clause)))
            begin += len(clause)
        start += len(sentence) + 2
    return facts
