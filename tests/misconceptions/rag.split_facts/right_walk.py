"""Splits with re.split and keeps count."""

import re

RIGHT = True


PRONOUNS = {"He", "She", "They", "It"}


def split_facts(text):
    found, name, at = [], None, 0
    for piece in re.split(r"(\.(?:\s+|$)|, and |, | and )", text):
        clause = piece.strip()
        if clause and not re.fullmatch(r"\.(?:\s+|$)|, and |, | and ", piece):
            start = at + piece.index(clause)
            words = clause.split(" ")
            if words[0] in PRONOUNS and name:
                words[0] = name
            elif words[0][0].isupper():
                name = words[0]
            elif name:
                words.insert(0, name)
            found.append([" ".join(words), start, start + len(clause)])
        at += len(piece)
    return found
