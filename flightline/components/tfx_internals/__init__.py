"""TFX's private names that the components use, a module for each TFX component that has some."""

CHECKED_VERSIONS = ("1.16.0", "1.21.0")  # of TFX, by the tests of this repository
