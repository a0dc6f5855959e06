"""Builds the project's package, `pipeline` and `models`, which remote Beam workers install."""

from setuptools import find_packages, setup

setup(
    name="flights",
    version="0.1.0",
    description="The pipeline and the models of this project",
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["pipeline", "pipeline.*", "models", "models.*"]),
    install_requires=["flightline"],
)
