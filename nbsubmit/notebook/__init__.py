"""What the user sees in a notebook; the only room that knows IPython and widgets.

extension   loading and unloading
magics      the lines and cells that come in
source      the cell as the shell has it → Cell
session     one per shell: sends cells, keeps jobs, brings results home
completion  TAB on a magic's line
panel       a job as widgets
replay      a job's output as the cell's own
"""
