"""What a user of the pipeline edits: features, network, training, search, evaluation."""
