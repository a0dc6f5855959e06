"""`python -m pipeline` is the `flightline` command."""

from pipeline.cli import main

main()
