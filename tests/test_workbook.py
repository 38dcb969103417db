"""The workbook's snapshot, and the questions to it."""

from pathlib import Path

import pytest

from course_utils.authoring import documents
from course_utils.authoring.source import read
from course_utils.retrieval.questions import (
    IN_ITS_WORDS,
    IN_OTHER_WORDS,
    QUESTIONS,
    content_words,
)
from course_utils.retrieval.workbook import sections

SOURCES = sorted((Path(__file__).parents[1] / "solutions").glob("[0-9][0-9]*_*.py"))


def answering(question):
    return [section for section in sections() if question.is_answered_by(section)]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.text)
def test_one_section_answers_a_question(question):
    assert len(answering(question)) == 1


@pytest.mark.parametrize("question", IN_OTHER_WORDS, ids=lambda q: q.text)
def test_a_question_in_other_words_shares_none_with_its_section(question):
    (section,) = answering(question)
    assert not content_words(question.text) & content_words(section.text)


def test_there_are_sixty_questions_and_twenty_in_other_words():
    assert len({question.text for question in QUESTIONS}) == 60
    assert len(IN_OTHER_WORDS) == 20
    for question in IN_ITS_WORDS:
        assert content_words(question.text) & content_words(answering(question)[0].text)


def test_the_sections_that_questions_name_are_still_in_the_workbook():
    there = {
        (path.stem.split("_")[0], section.heading)
        for path in SOURCES
        if path.stem != documents.READER
        for section in documents.sections(read(path))
    }
    gone = {(q.notebook, q.heading) for q in QUESTIONS} - there
    assert not gone, "change the questions with the headings, then run `course snapshot`"


def test_sections_have_names_of_their_own_and_no_hints():
    found = sections()
    assert len({section.file for section in found}) == len(found) > 90
    for section in found:
        assert section.text.startswith(f"## {section.heading}")
        assert "<details>" not in section.text and "Hint 3" not in section.text
        assert section.notebook != documents.READER


SOURCE = """# %% [markdown]
# # 01 · A title
#
# 10 minutes. You will be able to
#
# - say something.
#
# ## 1 · First
#
# Text with
# a hint.
#
# - a list, also
#   wrapped
# - of two
#
# ```
# two lines
# of code
# ```
#
# <details><summary>Hint 1</summary>
#
# <details><summary>Hint 2</summary>
#
# deep
#
# </details></details>

# %% id="bootstrap" tags=["setup"]

# %% [markdown]
# More of the first.
#
# ## What to remember
#
# Nothing.
"""


def test_a_snapshot_holds_prose_alone(tmp_path, monkeypatch):
    (tmp_path / "solutions").mkdir()
    for name in ("01b_a.py", f"{documents.READER}.py"):
        (tmp_path / "solutions" / name).write_text(SOURCE)
    monkeypatch.setattr(documents, "SNAPSHOT", tmp_path / "workbook.jsonl")
    assert documents.write(tmp_path) == 1
    (found,) = documents.sections(read(tmp_path / "solutions" / "01b_a.py"))
    assert found == ("01b_a", "01 · A title", "1 · First", found.text)
    listed = "- a list, also wrapped\n- of two\n\n```\ntwo lines\nof code\n```"
    assert found.text == f"## 1 · First\n\nText with a hint.\n\n{listed}\n\nMore of the first."
    assert len((tmp_path / "workbook.jsonl").read_text().splitlines()) == 1
