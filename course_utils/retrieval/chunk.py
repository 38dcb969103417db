"""From a file to chunks: text whatever its encoding, cut at sensible places, with spans.

The places are found by semantic-text-splitter: headings, then paragraphs, then sentences, then
words. Sizes are counted in the embedder's own tokens.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from .store import Chunk

if TYPE_CHECKING:
    from semantic_text_splitter import MarkdownSplitter
    from transformers import PreTrainedTokenizerBase

HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Span = tuple[int, int]


def windows(
    text: str, tokens: Sequence[Span], size: int, overlap: int
) -> list[tuple[str, int, int]]:
    """Windows of ``size`` tokens, each with the last ``overlap`` tokens of the one before.

    ``tokens`` are the characters from which to which each token goes. Returns the content of each
    window and its span: ``content == text[start:stop]``. The last window may be shorter and has
    a token that no other has. Raises ValueError unless 0 <= overlap < size.
    """
    _check_sizes(size, overlap)
    cut = []
    for first in range(0, max(len(tokens) - overlap, min(len(tokens), 1)), size - overlap):
        inside = tokens[first : first + size]
        start, stop = inside[0][0], inside[-1][1]
        cut.append((text[start:stop], start, stop))
    return cut


def chunks(
    text: str,
    file: str,
    tokenizer: PreTrainedTokenizerBase,
    size: int = 128,
    overlap: int = 0,
) -> list[Chunk]:
    """Chunks of at most ``size`` tokens, cut at the largest unit of the text that fits.

    ``overlap`` is the most tokens that a chunk repeats of the one before, in whole units. The
    heading is the last one in Markdown up to the chunk's end. An empty text has no chunks.
    Raises ValueError unless 0 <= overlap < size.
    """
    _check_sizes(size, overlap)
    splitter = _splitter(tokenizer.backend_tokenizer.to_str(), size, overlap)
    headings = [(match.start(), match[1]) for match in HEADING.finditer(text)]
    found, heading, passed = [], "", 0
    for start, content in splitter.chunk_indices(text):
        stop = start + len(content)
        while passed < len(headings) and headings[passed][0] < stop:
            heading, passed = headings[passed][1], passed + 1
        found.append(Chunk(file, content, heading, start, stop))
    return found


@lru_cache(maxsize=8)
def _splitter(tokenizer: str, size: int, overlap: int) -> MarkdownSplitter:
    """``tokenizer`` is its JSON, which takes longer to read than most texts to cut."""
    from semantic_text_splitter import MarkdownSplitter
    from tokenizers import Tokenizer

    counter = Tokenizer.from_str(tokenizer)
    counter.no_truncation()
    counter.no_padding()
    return MarkdownSplitter.from_huggingface_tokenizer(counter, size, overlap=overlap)


def _check_sizes(size: int, overlap: int) -> None:
    if not 0 <= overlap < size:
        raise ValueError(
            f"Chunks of {size} tokens with an overlap of {overlap}: give a size of at least 1 and "
            "an overlap from 0 to less than the size."
        )


def read_text(path: str | Path) -> str:
    """A text file's characters, in UTF-8, UTF-16 with its mark, or Windows-1252.

    A file that mixes UTF-8 and Windows-1252 is read line by line. Line ends become "\\n".
    Raises ValueError for a file that is no text, OSError for one that cannot be read.
    """
    data = Path(path).read_bytes()
    if data.startswith(UTF_16):
        text = data.decode("utf-16", errors="replace")
    elif b"\0" in data:
        raise ValueError(
            f"{path} is no text: it holds zero bytes. Leave it out, or extract its text first."
        )
    else:
        lines = data.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)
        text = "".join(map(_decoded, lines))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
