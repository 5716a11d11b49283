"""The command line: jobs of a store, a demo, a private Slurm to try."""
