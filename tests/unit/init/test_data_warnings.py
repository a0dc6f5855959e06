import pytest

from flightline.init.data_warnings import data_warnings


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["yes", "Yes", "no"], ["'Yes' and 'yes', which differ only in case or spaces"]),
        (["yes", "yes ", "no"], ["'yes' and 'yes ', which differ"]),
        (["yes", "no", "NA"], ["'NA' as a class (40 rows)", "--missing-value NA"]),
        (["yes", "no", "?"], ["--missing-value '?'"]),
        (["yes", "no", "maybe"], []),
        ([1, 2, 3], []),
    ],
)
def test_suspicious_labels_give_a_warning(profile, labels, message):
    found = data_warnings(profile({"x": [row * 7919 % 101 + 0.5 for row in range(120)], "y": labels * 40}))
    assert bool(found) == bool(message)
    assert all(part in found[0] for part in message)
