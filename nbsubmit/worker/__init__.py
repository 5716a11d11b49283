"""The other side of the folder: what runs on the node. It runs one job's folder and ends."""
