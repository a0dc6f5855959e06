"""Runs the training pipeline on this machine, with TFX's LocalDagRunner."""

from flightline.cli.runner import runner_command

if __name__ == "__main__":
    runner_command("local", "Run the training pipeline on this machine, node by node.")()
