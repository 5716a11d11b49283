"""Send a notebook cell to a Slurm cluster and get its values, figures and errors back."""
