"""Every test here may ask for a cluster."""

from slurm_cluster import cluster

__all__ = ["cluster"]
