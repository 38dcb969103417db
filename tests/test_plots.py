"""Figures carry alt text, a state for programs, and what was given to them."""

import base64
import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure
from PIL import Image as pictures

from course_utils import plots


class Image(HTMLParser):
    """The attributes of the one <img> in a page."""

    def __init__(self, page):
        super().__init__()
        self.attributes = {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        assert tag == "img" and not self.attributes
        self.attributes = dict(attributes)


def test_picture_is_a_png_with_alt_text_and_state():
    picture = plots.Picture(Figure(), alt='" Rome" has 0.9 & more', state="k=3 p=0.5")
    image = Image(picture.html).attributes
    assert image["alt"] == '" Rome" has 0.9 & more'
    assert image["data-state"] == "k=3 p=0.5"
    kind, data = image["src"].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")


def test_picture_without_state_has_no_data_state():
    assert "data-state" not in Image(plots.Picture(Figure(), alt="1 line").html).attributes


@pytest.mark.parametrize("alt", ["", "  "])
def test_picture_refuses_an_empty_alt_text(alt):
    with pytest.raises(ValueError, match="alt text is empty"):
        plots.Picture(Figure(), alt=alt)


def test_show_displays_the_picture_and_its_alt_text_as_plain_text(monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "display", shown.append)
    plots.show(Figure(), alt="3 bars", state="on")
    bundle = shown[0]._repr_mimebundle_()
    assert bundle["text/plain"] == "3 bars"
    assert Image(bundle["text/html"]).attributes["data-state"] == "on"


def test_next_token_bars_are_as_long_as_the_probabilities():
    fig = plots.next_token_bars([" Rome", "\n", "$x$"], [0.7, 0.3, 0.0], [0.5, 0.3, 0.2])
    drawn, own = fig.axes[0].containers
    assert [bar.get_width() for bar in drawn] == [0.7, 0.3, 0.0]
    assert [bar.get_width() for bar in own] == [0.5, 0.3, 0.2]
    labels = [label.get_text() for label in fig.axes[0].get_yticklabels()]
    assert labels == ["' Rome'", "'\\n'", "'$x$'"]
    assert [text.get_text() for text in fig.axes[0].texts] == ["0.70", "0.30", "–"]
    assert "probability" in fig.axes[0].get_xlabel()
    plots.Picture(fig, alt="a token with dollar signs is no formula")


@pytest.mark.parametrize(
    "arguments", [([], []), (["a"], [0.5, 0.5]), (["a", "b"], [0.5, 0.5], [1.0])]
)
def test_next_token_bars_refuse_lengths_that_differ(arguments):
    with pytest.raises(ValueError, match="as many numbers"):
        plots.next_token_bars(*arguments)


def test_mass_curves_add_up_from_the_most_likely_token():
    fig = plots.mass_curves({"peaked": [0.1, 0.9], "flat": [0.25] * 4}, k=2, p=0.9)
    ax = fig.axes[0]
    curves = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert list(curves["peaked"]) == pytest.approx([0.9, 1.0])
    assert list(curves["flat"]) == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert ax.get_xlabel() and ax.get_ylabel()
    assert len({line.get_color() for line in ax.lines[:2]}) == 2
    assert len({line.get_linestyle() for line in ax.lines[:2]}) == 2


def test_pictures_of_the_same_figure_are_the_same_bytes():
    pages = [plots.Picture(plots.next_token_bars(["a"], [1.0]), alt="1 bar").html for _ in range(2)]
    assert pages[0] == pages[1]
    assert re.search(r"width: \d+px", pages[0])


def test_stacked_bars_end_at_the_sums_and_leave_out_empty_parts():
    rows = {"one": {"a": 1.0, "b": 2.0, "c": 0.0}, "two": {"a": 3.0, "b": 0.5, "c": 0.0}}
    fig = plots.stacked_bars(rows, "GB")
    bars = [bar for bar in fig.axes[0].patches]
    ends = {bar.get_y(): 0.0 for bar in bars}
    for bar in bars:
        ends[bar.get_y()] = max(ends[bar.get_y()], bar.get_x() + bar.get_width())
    assert sorted(ends.values()) == [3.0, 3.5]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["a", "b"]


def test_growth_curves_are_labelled_at_their_ends():
    fig = plots.growth_curves({"m": ([1, 2, 4], [3.0, 6.0, 12.0])}, "tokens", "MB")
    [label] = fig.axes[0].texts
    assert (label.get_text(), label.xy) == ("m", (4, 12.0))


def test_the_memory_chart_shows_the_cache_against_the_weights():
    fig = plots.memory_chart({"ffn": 2e9}, [0, 10], [0.0, 4e9], length=5, cache_now=2e9)
    above, below = fig.axes
    assert above.get_xlim()[1] == 2.0
    assert below.get_ylabel() == "GB"
    assert list(below.lines[0].get_ydata()) == [0.0, 4.0]
    assert list(below.lines[1].get_ydata()) == [2.0]


def test_lens_heatmap_writes_every_cell_and_begins_at_the_bottom():
    cells, colors = [["a", "$b$"], ["c", "d"]], [[0.0, 9.0], [1.0, 2.0]]
    fig = plots.lens_heatmap(cells, colors, ["embedding", "0"], [" of", "\n"], "KL", most=6)
    ax = fig.axes[0]
    assert [text.get_text() for text in ax.texts] == ["a", "$b$", "c", "d"]
    assert ax.images[0].get_array().tolist() == colors
    assert ax.get_ylim()[0] < ax.get_ylim()[1]
    with pytest.raises(ValueError, match="Give 3 rows of 2 cells"):
        plots.lens_heatmap(cells, colors, ["embedding", "0", "1"], [" of", "\n"], "KL", most=6)


def test_grouped_bars_stand_side_by_side_at_their_label():
    fig = plots.grouped_bars({"a": [1, 2], "b": [3, 4], "c": [5, 6]}, ["0", "1"], "x", "y")
    bars = [bar for container in fig.axes[0].containers for bar in container]
    assert [bar.get_height() for bar in bars] == [1, 2, 3, 4, 5, 6]
    assert [round(bar.get_x() + bar.get_width() / 2) for bar in bars] == [0, 1, 0, 1, 0, 1]
    assert len({round(bar.get_x(), 3) for bar in bars}) == 6
    with pytest.raises(ValueError, match="a number for each label"):
        plots.grouped_bars({"a": [1, 2]}, ["0"], "x", "y")


def test_effect_map_marks_the_subject_and_holds_the_table():
    fig = plots.effect_map(
        [[0.0, 0.5, 0.1], [0.2, 0.1, 0.9]], ["The", " Needle", " is"], slice(0, 2)
    )
    ax = fig.axes[0]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["'The' *", "' Needle' *", "' is'"]
    assert ax.images[0].get_array().T.tolist() == [[0.0, 0.5, 0.1], [0.2, 0.1, 0.9]]
    with pytest.raises(ValueError, match="3 tokens"):
        plots.effect_map([[0.0, 0.5]], ["a", "b", "c"], slice(0, 1))


def test_effect_curves_have_a_panel_for_each_role():
    table = [[0.1, 0.2], [0.3, 0.4]]
    fig = plots.effect_curves({"mlp": (table, table), "block": (table, table)}, {"last token": 1})
    assert [line.get_ydata().tolist() for line in fig.axes[0].lines] == [[0.2, 0.4], [0.2, 0.4]]
    assert len(fig.axes[0].collections) == 2


def test_head_map_writes_large_scores():
    fig = plots.head_map({"induction": [[0.1, 0.8]], "first token": [[0.42, 0.0]]})
    assert [text.get_text() for ax in fig.axes[:2] for text in ax.texts] == ["0.8", "0.4"]


def test_bars_by_baseline_show_their_values():
    fig = plots.bars_by_baseline({"one": {"zero": 0.1, "mean": 0.25}}, "probability")
    assert [text.get_text() for text in fig.axes[0].texts] == ["0.10", "0.25"]
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == ["one"]


def test_heatmaps_show_every_value_and_a_dash_for_none():
    tables = {"share": [[0.5, float("nan")], [1.0, 0.25]], "perplexity": [[4.0, 8.0], [5.0, 900.0]]}
    fig = plots.heatmaps(tables, [0, 1], [-1, 2], "block", "strength", log=["perplexity"])
    left, right = fig.axes
    assert [text.get_text() for text in left.texts] == ["0.5", "–", "1", "0.25"]
    assert [text.get_text() for text in right.texts] == ["4", "8", "5", "900"]
    assert left.images[0].origin == "lower"
    assert right.images[0].get_array()[1, 1] < 7  # the logarithm
    assert (left.get_ylabel(), right.get_xlabel()) == ("block", "strength")


def test_texts_stand_side_by_side_above_the_changes():
    fig = plots.texts_and_changes({"a": "one $ text", "b": "two"}, [" x", "y"], [0.5, -0.25])
    above, below = fig.axes
    assert [text.get_text().split("\n")[0] for text in above.texts] == ["a", "b"]
    assert [bar.get_width() for bar in below.patches] == [0.5, -0.25]
    assert [text.get_text() for text in below.texts] == ["+0.50", "-0.25"]
    plots.Picture(fig, alt="a dollar sign is no formula")


def test_dose_responses_mark_samples_steered_backwards():
    panels = {"a": [[0.0, 1.0], [1.0, -1.0]], "b": [[2.0, 4.0]]}
    fig = plots.dose_responses(panels, [-1, 1], {"a": [False, True], "b": [False]}, "nats")
    first, second = fig.axes[:2]
    assert [line.get_ydata()[0] for line in first.lines[:3]] == [0.0, 1.0, 0.5]
    assert [line.get_color() for line in first.lines[:3]] == [plots.SKY, plots.ORANGE, plots.BLACK]
    assert second.get_title(loc="left") == "b"


def test_intervals_stand_from_the_top():
    fig = plots.intervals({"one": (0.0, 1.0, 3.0), "two": (-1.0, 0.0, 1.0)}, "slope")
    ax = fig.axes[0]
    assert [list(line.get_xdata()) for line in ax.lines[:2]] == [[0.0, 3.0], [1.0]]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_labeled_points_are_numbered_as_they_are_listed():
    fig = plots.labeled_points({"sea": (0.1, 0.2), "news": (0.5, 0.0)}, "x", "y")
    ax, names = fig.axes
    assert [text.get_text() for text in ax.texts] == ["1", "2"]
    assert names.texts[0].get_text() == "1  sea\n2  news"


def test_a_contact_sheet_has_a_picture_for_each_label(tmp_path):
    path = tmp_path / "blue.png"
    pictures.new("RGB", (8, 8), "blue").save(path)
    given = [pictures.new("RGB", (8, 8), "red"), path, path]
    fig = plots.contact_sheet(given, ["0.9\na red one", "0.8", "0.7"], title="red", columns=2)
    shown = [ax for ax in fig.axes if ax.images]
    assert [ax.get_title() for ax in shown] == ["0.9\na red one", "0.8", "0.7"]
    assert shown[1].images[0].get_array()[0, 0].tolist() == [0, 0, 255]
    with pytest.raises(ValueError, match="1 pictures, 2 labels"):
        plots.contact_sheet([path], ["a", "b"])
