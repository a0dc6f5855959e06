"""`data:` of the config: where the rows come from and how they are split."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from flightline.config.section import Section
from flightline.config.span_pattern import SpanPattern, parse_span
from flightline.utils.storage import Location


class DataConfig(Section):
    """Where the rows come from and how they are split."""

    input: Location = Field(description="folder that holds the input files, or its URI (gs://...)")
    pattern: str = Field("*.csv", description="glob of the input files below `input`")
    span: Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(parse_span)] = Field(
        None, description="which span of `pattern` to read, a number or a date; by default the newest"
    )
    splits: dict[str, Annotated[int, Field(gt=0)]] = Field(
        default={"train": 2, "eval": 1}, description="hash buckets of each split: its share of the rows"
    )
    missing_values: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="texts in CSV files that mean a missing value, such as `NA` or `?`; an empty cell always does"
    )
    block_mb: Annotated[int, Field(ge=1, le=1024)] = Field(
        16, description="megabytes of input read at a time; bounds the memory"
    )

    @field_validator("splits")
    @classmethod
    def _check_split_names(cls, splits: dict[str, int]) -> dict[str, int]:
        if set(splits) != {"train", "eval"}:
            raise ValueError(f"splits are `train` and `eval`, not {sorted(splits)}")
        return splits

    @field_validator("pattern")
    @classmethod
    def _check_pattern_is_relative(cls, pattern: str) -> str:
        if pattern.startswith("/") or ".." in pattern.split("/"):
            raise ValueError("the pattern is relative to data.input: it may not start with `/` or contain `..`")
        return pattern

    @model_validator(mode="after")
    def _check_span_pattern(self) -> DataConfig:
        self.spans.check()
        if self.span is not None:
            self.spans.check_span(self.span)
        return self

    @property
    def spans(self) -> SpanPattern:
        """The span and version placeholders of the pattern."""
        return SpanPattern(self.pattern)

    @property
    def glob(self) -> str:
        """`pattern` as a glob: digits for `{SPAN}`, `{VERSION}` and dates, those of `span` if it is set."""
        return self.spans.glob(self.span)
