"""The report of a run: collected into plain data, kept as JSON, drawn as one offline page. Without TensorFlow."""
