"""`make simulate`: a year of production on one machine, month by month."""
