"""What the reader is promised of notebook 00, in a real browser. The tests share one page."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "00_sampling.ipynb"
WRONG = """\
def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("give a temperature above 0")
    return torch.softmax(logits * temperature, dim=-1)"""
RIGHT = WRONG.replace("logits * temperature", "logits / temperature")


def cell_with(page, code: str):
    """The code cell whose text holds `code`."""
    return page.locator(".jp-CodeCell").filter(has=page.locator(".cm-content", has_text=code))


def write_and_check(page, code: str):
    """Type `code` over the softmax exercise, run it and the check below; the check's verdict."""
    exercise = cell_with(page, "def softmax(")
    exercise.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(code)
    expect(exercise.locator(".cm-line")).to_have_text(code.split("\n"))
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    return cell_with(page, 'check("sampling.softmax"').locator(".course-check")


def picture_of(page):
    """The explorer's picture, below its sliders."""
    return page.locator(".widget-vbox").locator("img")


def slider(page, name: str):
    """The handle of the explorer's slider with this label."""
    label = page.locator("label", has_text=re.compile(f"^{name}$"))
    return page.locator(".widget-slider").filter(has=label).get_by_role("slider")


def test_opens_from_a_fresh_configuration(opened):
    expect(opened.get_by_role("heading", name="Start here: from text to the next")).to_be_visible()
    expect(opened.get_by_role("tab", name="00_sampling.ipynb")).to_be_visible()
    expect(opened.locator(".jp-Dialog")).to_have_count(0)


def test_run_all_reaches_the_end_of_the_unsolved_notebook(finished):
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    numbers = [re.compile(r"\[\d+\]:") for cell in cells if cell["cell_type"] == "code"]
    expect(finished.locator(".jp-CodeCell .jp-InputPrompt")).to_have_text(numbers)
    expect(finished.locator('[data-mime-type="application/vnd.jupyter.error"]')).to_have_count(0)
    check = cell_with(finished, 'check("sampling.softmax"').locator(".course-check")
    expect(check).to_have_attribute("data-verdict", "not attempted yet")
    expect(check).to_contain_text("sampling.softmax")
    expect(finished.get_by_text("official Jupyter news")).to_have_count(0)


def test_a_wrong_answer_shows_its_misconception(finished):
    check = write_and_check(finished, WRONG)
    expect(check).to_have_attribute("data-verdict", "not yet right")
    expect(check).to_contain_text("scale/multiplies-by-temperature")


def test_the_right_answer_shows_passed(finished):
    check = write_and_check(finished, RIGHT)
    expect(check).to_have_attribute("data-verdict", "passed")
    expect(check).to_contain_text("passed")


def test_the_slider_moves_the_bars(finished):
    picture = picture_of(finished)
    expect(picture).to_have_attribute("data-state", re.compile("temperature=1.0 k=100 "))
    before = picture.get_attribute("src")
    track = slider(finished, "k").locator("xpath=ancestor::*[contains(@class, 'noUi-target')]")
    track.click(position={"x": 1, "y": 2})
    expect(picture).to_have_attribute("data-state", re.compile("temperature=1.0 k=1 "))
    expect(picture).to_have_attribute("alt", re.compile(r" 1 of \d+ tokens can be drawn"))
    assert picture.get_attribute("src") != before


def test_the_keyboard_moves_the_slider(finished):
    picture = picture_of(finished)
    expect(picture).to_have_attribute("data-state", re.compile("temperature=1.0 "))
    slider(finished, "temperature").focus()
    finished.keyboard.press("ArrowRight")
    expect(picture).to_have_attribute("data-state", re.compile("temperature=1.1 "))


def test_no_request_leaves_this_machine(finished, addresses):
    parts = [urlsplit(address) for address in addresses]
    hosts = {part.hostname for part in parts if part.scheme in ("http", "https", "ws", "wss")}
    assert hosts == {"127.0.0.1"}
    assert {part.scheme for part in parts} <= {"http", "ws", "data", "blob"}
