"""Every test here may ask for a project."""

from projects import _finished_folder, finished, project, tiny

__all__ = ["_finished_folder", "finished", "project", "tiny"]
