"""Which submissions are alike, as winnowing finds it: fingerprints of tokens without names.

Schleimer, Wilkerson and Aiken, "Winnowing: Local Algorithms for Document Fingerprinting" (2003).
"""

from __future__ import annotations

import io
import keyword
import tokenize
import zlib
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations

GRAM, WINDOW = 12, 8
ALIKE = 0.8
LONGEST = 100_000  # characters; the sandbox takes no cell so long
LEAST = 5  # fingerprints that two answers must share
COMMON, FEW = 0.25, 10  # of all submissions: what more of them hold is how one writes it


def fingerprints(source: str) -> frozenset[int]:
    """Hashes of the code's structure; names, numbers, strings and comments do not matter."""
    tokens = _tokens(source)
    grams = [zlib.crc32(" ".join(tokens[i : i + GRAM]).encode()) for i in range(len(tokens))]
    windows = [grams[i : i + WINDOW] for i in range(max(1, len(grams) - GRAM - WINDOW))]
    return frozenset(min(window) for window in windows if window)


def _tokens(source: str) -> list[str]:
    if len(source) > LONGEST:
        return []
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING}
    kinds = {tokenize.NAME: "n", tokenize.NUMBER: "0", tokenize.STRING: "s"}
    tokens = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in skipped:
                word = token.string if keyword.iskeyword(token.string) else None
                tokens.append(word or kinds.get(token.type, token.string))
    except (tokenize.TokenError, SyntaxError):
        pass  # what was read so far still counts
    return tokens


def pairs(
    results: Iterable[dict], given: dict[tuple[str, str], str]
) -> list[tuple[float, str, str, str]]:
    """(share, notebook, pseudonym, pseudonym) of submissions that are alike, most alike first.

    ``given`` are the sources of the cells, by notebook and id, as they were handed out: what is in
    them counts not.
    """
    notebooks = defaultdict(list)
    for result in results:
        marks: set[int] = set()
        for cell, source in result["submission"]["cells"].items():
            marks |= fingerprints(source) - fingerprints(given.get((result["notebook"], cell), ""))
        notebooks[result["notebook"]].append((result["pseudonym"], marks))
    found = []
    for notebook, submissions in notebooks.items():
        submissions = _without_common(submissions)
        for (one, a), (other, b) in combinations(submissions, 2):
            shared, least = len(a & b), min(len(a), len(b))
            if shared >= LEAST and shared >= ALIKE * least:
                found.append((shared / least, notebook, one, other))
    return sorted(found, key=lambda pair: (-pair[0], *pair[1:]))


def _without_common(submissions: list[tuple[str, set[int]]]) -> list[tuple[str, set[int]]]:
    counts: dict[int, int] = defaultdict(int)
    for _, marks in submissions:
        for mark in marks:
            counts[mark] += 1
    most = max(FEW, COMMON * len(submissions))
    return [(name, {m for m in marks if counts[m] <= most}) for name, marks in submissions]
