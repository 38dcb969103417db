"""Chunks against the text that they were cut from; files of any encoding."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from course_utils.retrieval.chunk import chunks, read_text, windows

TEXT = """# Trees

An oak grows slowly. Its wood is hard.

## Care

Water a young oak in dry summers. Cut dead branches in winter, never in spring.
"""


@pytest.fixture(scope="module")
def tokenizer():
    """A token for each word and each mark."""
    backend = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.enable_truncation(5)
    backend.enable_padding(length=7)
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")


def words(text: str) -> list[tuple[int, int]]:
    return [span for _, span in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)]


@pytest.mark.parametrize("size, overlap", [(4, 0), (9, 3), (12, 6), (1000, 0)])
def test_chunks_are_pieces_of_the_text_no_longer_than_asked(tokenizer, size, overlap):
    found = chunks(TEXT, "trees.md", tokenizer, size, overlap)
    assert all(TEXT[c.start : c.stop] == c.content and c.file == "trees.md" for c in found)
    assert max(len(words(c.content)) for c in found) <= size
    covered = {i for c in found for i in range(c.start, c.stop)}
    assert all(i in covered for i, letter in enumerate(TEXT) if not letter.isspace())
    if not overlap:
        assert all(a.stop <= b.start for a, b in zip(found, found[1:], strict=False))


def test_a_chunk_has_the_last_heading(tokenizer):
    found = chunks(TEXT, "trees.md", tokenizer, 12)
    assert found[0].heading == "Trees"
    assert found[-1].heading == "Care" and found[-1].content.endswith("spring.")


def test_chunks_end_where_sentences_do(tokenizer):
    paragraph = "Water a young oak in dry summers. Cut dead branches in winter, never in spring."
    found = chunks(paragraph, "trees.txt", tokenizer, 16)
    assert [c.content for c in found] == [paragraph[:33], paragraph[34:]]


def test_an_empty_text_has_no_chunks(tokenizer):
    assert chunks("", "a.md", tokenizer, 8) == chunks(" \n\n", "a.md", tokenizer, 8) == []
    assert windows("", [], 8, 2) == []


@pytest.mark.parametrize("size, overlap", [(0, 0), (4, 4), (4, 9), (4, -1)])
def test_sizes_that_do_not_fit_are_refused(tokenizer, size, overlap):
    with pytest.raises(ValueError, match="an overlap from 0 to less than the size"):
        chunks(TEXT, "trees.md", tokenizer, size, overlap)
    with pytest.raises(ValueError, match="an overlap from 0 to less than the size"):
        windows(TEXT, words(TEXT), size, overlap)


@pytest.mark.parametrize("n", range(12))
def test_windows_cover_every_token_and_none_is_within_another(n):
    text = "a b c d e f g h i j k l"
    tokens = words(text)[:n]
    for size in range(1, 6):
        for overlap in range(size):
            found = windows(text, tokens, size, overlap)
            inside = [{t for t in tokens if a <= t[0] and t[1] <= b} for _, a, b in found]
            assert set().union(*inside) == set(tokens)
            assert all(len(x) == size for x in inside[:-1])
            pairs = list(zip(inside, inside[1:], strict=False))
            assert all(len(x & y) == overlap and y - x for x, y in pairs)


def test_a_long_text_is_cut_between_its_paragraphs(tokenizer):
    text = ("An oak grows slowly and its wood is hard. " * 20 + "\n\n") * 240
    found = chunks(text, "long.txt", tokenizer, 300)
    assert len(found) == 240
    assert found[-1].stop == len(text.rstrip()) and text[found[7].start :][:6] == "An oak"


SAID = "Grüße – 5 €"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_text_is_read_in_its_encoding(tmp_path, encoding):
    file = tmp_path / "a.txt"
    file.write_bytes(f"{SAID}\r\nsecond".encode(encoding))
    assert read_text(file) == f"{SAID}\nsecond"


def test_a_file_with_two_encodings_is_read_line_by_line(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(f"{SAID}\n".encode() + f"{SAID}\n".encode("cp1252"))
    assert read_text(file) == f"{SAID}\n{SAID}\n"


def test_a_binary_file_is_refused(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(ValueError, match="a.png is no text"):
        read_text(file)


def test_an_empty_file_is_an_empty_text(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"")
    assert read_text(file) == ""
