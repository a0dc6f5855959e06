"""Reproduce an earlier run from its recorded inputs, and compare every artifact."""
