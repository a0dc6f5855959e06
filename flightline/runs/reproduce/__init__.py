"""Running an earlier run again, from what it left on record, and comparing every artifact."""
