import pytest

from flightline.reporting.html.svg import Scale, format_duration, format_number, format_percent, shorten, tag


def test_text_and_attributes_are_escaped():
    made = tag("text", "<b>&", class_='"><script>', x=1.50, fill=None)
    assert made == '<text class="&#34;&gt;&lt;script&gt;" x="1.5">&lt;b&gt;&amp;</text>'


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234567, "1,234,567"), (-2.0, "−2"), (0.94171, "0.9417"), (1234.5, "1,234"), (None, "–"), (float("nan"), "–")],
)
def test_number_format(value, shown):
    assert format_number(value) == shown


def test_percent_and_duration_format():
    assert [format_percent(fraction) for fraction in (0.5, 0.00001, 0, None)] == ["50%", "< 0.1%", "0%", "–"]
    assert [format_duration(seconds) for seconds in (0.04, 84, 7300, None)] == ["0.0 s", "1 min 24 s", "2 h 1 min", "–"]


def test_long_values_are_cut_and_invisible_characters_replaced():
    assert shorten("a" * 99, 5) == "aaaa…"
    assert shorten("a\u202eb\nc") == "a\N{REPLACEMENT CHARACTER}b c"


def test_ticks_are_round_numbers_within_the_scale():
    assert Scale(0, 300, 0, 1).ticks(5) == [0, 100, 200, 300]
    assert Scale(0.927, 0.958, 0, 1).ticks(4) == pytest.approx([0.93, 0.94, 0.95])
    assert Scale(5, 5, 0, 1).ticks() == [5]
