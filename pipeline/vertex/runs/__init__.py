"""Runs on Vertex AI or a Kubeflow Pipelines server: submitted, watched, ended."""
