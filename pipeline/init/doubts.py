"""What a person should look into before trusting what is said of a table."""

from __future__ import annotations

from pipeline.init.profile import Profile

_FEW_OF_A_CLASS = 10


def doubts(profile: Profile) -> list[str]:
    """Each a sentence, the gravest first."""
    return [*_unreadable(profile), *_rare_class(profile)]


def _unreadable(profile: Profile) -> list[str]:
    bad = profile.table.unreadable
    return [f"{bad.said}: nothing here speaks of them, and no run will; {bad.todo}"] if bad.count else []


def _rare_class(profile: Profile) -> list[str]:
    judged = min(profile.target.rates, default=1.0) * profile.eval_rows
    if judged >= _FEW_OF_A_CLASS:
        return []
    return [f"the rarest class has about {judged:.0f} rows to be judged on: the verdict will hang on them"]
