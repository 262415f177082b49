"""The workbench of a run: its scored systems, the scenes of its clips, and what its panels show."""
