"""Jobs of a run on a SLURM cluster: what each asks for, how it is handed over, followed, and found again."""
