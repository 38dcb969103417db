"""An explorer redraws for every value of its sliders, and shows a picture without widgets."""

import ipywidgets
import pytest
from matplotlib.figure import Figure

from course_utils import widgets
from course_utils.plots import Picture


def draw(temperature, k):
    state = f"temperature={temperature} k={k}"
    return Picture(Figure(), alt=f"alt for {state}", state=state)


@pytest.fixture
def shown(monkeypatch):
    calls = []
    monkeypatch.setattr(widgets, "display", lambda data, raw: calls.append(data))
    return calls


def test_slider_over_whole_numbers_and_over_decimals():
    assert isinstance(widgets.slider(3, 1, 9, 1), ipywidgets.IntSlider)
    assert isinstance(widgets.slider(0.5, 0.1, 1.0, 0.1), ipywidgets.FloatSlider)


def test_slider_refuses_a_value_outside_its_range():
    with pytest.raises(ValueError, match="starts at 10: give a value from 1 to 9"):
        widgets.slider(10, 1, 9, 1)


def test_explorer_shows_the_first_picture_where_there_are_no_widgets(shown):
    widgets.explorer(
        draw, temperature=widgets.slider(1.0, 0.5, 2.0, 0.5), k=widgets.slider(5, 1, 9, 1)
    )
    (data,) = shown
    assert data["text/plain"] == "alt for temperature=1.0 k=5"
    assert 'data-state="temperature=1.0 k=5"' in data["text/html"]
    assert data[widgets.WIDGET_VIEW]["model_id"]


def test_moving_a_slider_redraws_with_every_value():
    temperature, k = widgets.slider(1.0, 0.5, 2.0, 0.5), widgets.slider(5, 1, 9, 1)
    box, first = widgets._build(draw, {"temperature": temperature, "k": k})
    image = box.children[-1]
    assert image.value == first.html
    k.value = 2
    assert 'data-state="temperature=1.0 k=2"' in image.value
    temperature.value = 0.5
    assert 'data-state="temperature=0.5 k=2"' in image.value
    assert [control.description for control in box.children[:-1]] == ["temperature", "k"]


def test_a_picture_that_cannot_be_drawn_displays_nothing(shown):
    def broken(k):
        raise RuntimeError("no picture")

    with pytest.raises(RuntimeError, match="no picture"):
        widgets.explorer(broken, k=widgets.slider(5, 1, 9, 1))
    assert shown == []


def test_a_menu_starts_at_one_of_its_options():
    control = widgets.menu("b", ["a", "b"])
    assert (control.value, control.options) == ("b", ("a", "b"))
    with pytest.raises(ValueError, match="'c': give one of a, b"):
        widgets.menu("c", ["a", "b"])


def test_a_text_box_counts_when_it_is_finished():
    box = widgets.text_box("The city of")
    assert box.value == "The city of"
    assert not box.continuous_update
