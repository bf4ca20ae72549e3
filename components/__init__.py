"""The steps of the pipeline. A step never imports another one."""
