"""The compiled pipeline on this machine: each task by the command of its container."""
