"""The other side of the folder: what runs on the node. It runs one job's folder and ends.

A job pays for each module that its worker loads. So what only some jobs need is imported inside of
functions, here and in `nbsubmit.core`. A start takes 86 ms of a processor, of which 40 are
cloudpickle; with most of what is imported so it would take 280. The least of these imports save
0.2 to 0.5 ms, and comments tell of what is more. ``tests/worker/test_light.py`` has the list.
"""
