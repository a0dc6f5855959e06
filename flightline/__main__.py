"""`python -m flightline` is the `flightline` command."""

from flightline.cli.main import main

main()
