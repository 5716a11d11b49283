"""The library's face, for a script, a shell or a notebook.

jobs        all jobs of a store, or one by its id
rows        a job as plain data, for whoever draws it
words       a row as text
terminal    a job's text as a terminal would show it
"""
