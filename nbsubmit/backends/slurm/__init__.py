"""Slurm, through its commands: sbatch, squeue, sacct where there is accounting, scancel."""
