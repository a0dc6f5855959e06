"""The task of a label: what goes together, and what is refused with the reason."""

import pytest
from pydantic import ValidationError

from flightline.config.target import BINARY_TARGET, Target

CLASSES = ("a", "b", "c")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"task": "ranking"}, "binary"),
        ({"task": "regression", "positive": 1}, "leave it out"),
        ({"task": "multiclass", "classes": CLASSES, "positive": "a"}, "leave it out"),
        ({"classes": CLASSES}, "task: multiclass"),
        ({"task": "multiclass"}, "0 are named"),
        ({"task": "multiclass", "classes": ("a", "b")}, "binary, with `positive`"),
        ({"task": "multiclass", "classes": ("a", "b", "a")}, "twice"),
        ({"task": "multiclass", "classes": ("a", "b", 3)}, "in quotes"),
        ({"task": "multiclass", "classes": ("a", True, "c")}, "in quotes"),
        ({"positive": True}, "in quotes"),
    ],
)
def test_what_does_not_go_together_is_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        Target(**settings)


def test_the_model_has_an_output_for_each_class():
    assert (BINARY_TARGET.outputs, Target(task="regression").outputs) == (1, 1)
    assert Target(task="multiclass", classes=CLASSES).outputs == 3


@pytest.mark.parametrize(
    ("target", "fits", "said"),
    [
        (BINARY_TARGET, ("INT", "FLOAT"), {"BYTES": "`positive` must say", "STRUCT": "must be INT"}),
        (Target(positive="yes"), ("BYTES",), {"INT": "write a number"}),
        (Target(positive=2), ("INT", "FLOAT"), {"BYTES": "in quotes"}),
        (Target(task="multiclass", classes=CLASSES), ("BYTES",), {"INT": "write a number", "FLOAT": "write a number"}),
        (Target(task="multiclass", classes=(1, 2, 3)), ("INT", "FLOAT"), {"BYTES": "in quotes"}),
        (Target(task="regression"), ("INT", "FLOAT"), {"BYTES": "takes numbers"}),
    ],
)
def test_the_label_s_type_must_fit(target, fits, said):
    for kind in fits:
        target.check_label("y", kind)
    for kind, why in said.items():
        with pytest.raises(ValueError, match=why):
            target.check_label("y", kind)
