"""The label in the config: its values as YAML has them, and its type in the schema."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from flightline.serving.target import Target


def _reject_yaml_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"{value} is what YAML makes of yes and no, on and off: write the label's value in quotes")
    return value


LabelValue = Annotated[str | int | float, BeforeValidator(_reject_yaml_boolean)]


def check_label_type(target: Target, label: str, label_type: str) -> None:
    """Check that the target fits the label's type in the schema (INT, FLOAT or BYTES).

    Raises:
        ValueError: it does not.
    """
    if label_type not in ("INT", "FLOAT", "BYTES"):
        raise ValueError(f"label {label!r} is {label_type}: it must be INT, FLOAT or BYTES")
    is_text = label_type == "BYTES"
    if target.task == "regression":
        if is_text:
            raise ValueError(f"label {label!r} is text: task: regression takes numbers")
        return
    if target.task == "binary" and target.positive is None:
        if is_text:
            raise ValueError(
                f"label {label!r} is text: `positive_label` must name the value that counts as 1, in quotes"
            )
        return
    key, value = ("classes", target.classes[0]) if target.classes else ("positive_label", target.positive)
    if is_text and not isinstance(value, str):
        raise ValueError(f"label {label!r} is text, and `{key}` has the number {value!r}: write it in quotes")
    if not is_text and isinstance(value, str):
        raise ValueError(f"label {label!r} is {label_type}, and `{key}` has the text {value!r}: write a number")
