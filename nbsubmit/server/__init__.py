"""What a Jupyter server tells of jobs to its front ends: lists, logs, changes, choices.

It needs no kernel: all of it stands in the job folders, and Slurm is asked as kernels ask it, by
the same shared answers. Nothing runs here while nobody looks.
"""
