"""`flightline new`: a project of one's own, made of the files that Flightline's own repository runs."""
