import pytest

from flightline.utils.safe_yaml import MAX_DEPTH, MAX_VALUES, InvalidYaml, parse_yaml


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a: 1\nb: [x, {c: 2.5}]", {"a": 1, "b": ["x", {"c": 2.5}]}),
        ("", None),
        ("# nothing", None),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("base: &b {k: 1}\nmore: {<<: *b, k: 2}", {"base": {"k": 1}, "more": {"k": 2}}),
    ],
)
def test_common_yaml_is_parsed(text, meant):
    assert parse_yaml(text) == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2", "line 2: duplicate key a"),
        ("x:\n  a: 1\n  b: 2\n  a: 3", "line 4: duplicate key a"),
        ("a: !!python/object/apply:os.system [true]", "line 1: could not determine a constructor for the tag"),
        ("a: &a [*a]", "an alias of a node that contains it"),
        ("a: 2013-13-45", "month must be in"),
        ("a: " + "9" * 5000, "5000 digits"),
        ("a: [", "line 2:"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: \udc80", "surrogates not allowed"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"more than {MAX_DEPTH} levels"),
        (f"a: &a [{'1, ' * 300}]\nb: [{'*a, ' * 300}]", f"more than {MAX_VALUES:,} values"),
    ],
)
def test_invalid_yaml_is_a_one_line_error(text, told):
    with pytest.raises(InvalidYaml) as caught:
        parse_yaml(text)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_maximum_depth_is_accepted():
    assert parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH)
