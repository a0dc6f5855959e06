"""Packaging: the wheel carries `pipeline` and `models`, and is what remote Beam workers are given."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


MLFLOW, DEVELOPERS = "# The extra `mlflow`", "# Tests, checks, packaging"  # where these parts of requirements.in begin


def requirements(begin: str, end: str) -> list[str]:
    """What requirements.in asks for from one heading to another."""
    asked = (HERE / "requirements.in").read_text(encoding="utf-8")
    if begin not in asked or end not in asked:
        raise ValueError(f"requirements.in has no heading {begin!r} or {end!r}")
    lines = [line.split("#")[0].strip() for line in asked.split(begin, 1)[1].split(end, 1)[0].splitlines()[1:]]
    return [line for line in lines if line]


setup(
    name="flightline",
    version="0.1.0",
    description="A TFX production pipeline for tabular data, from raw rows to a released model",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["flightline", "flightline.*", "pipeline", "models"]),
    package_data={
        "flightline": ["py.typed"],
        "flightline.reporting.html": ["templates/*", "templates/*/*"],
    },
    install_requires=requirements("# What Flightline asks for", MLFLOW),
    extras_require={"mlflow": requirements(MLFLOW, DEVELOPERS)},
    entry_points={"console_scripts": ["flightline=flightline.cli.main:main"]},
)
