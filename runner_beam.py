"""Runs the training pipeline with TFX's BeamDagRunner; `--engine` says where the components' Beam work is done."""

from flightline.cli.runner import runner_command

if __name__ == "__main__":
    runner_command("beam", "Run the training pipeline on Beam: in this process, or where --engine says.")()
