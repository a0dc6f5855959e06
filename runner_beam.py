"""Runs the training pipeline as a Beam pipeline of nodes, with TFX's BeamDagRunner (in this process, for now)."""

from pipeline.options import runner_command

if __name__ == "__main__":
    runner_command("beam", "Run the training pipeline as a Beam pipeline of nodes, in this process.")()
