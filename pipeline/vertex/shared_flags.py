"""Flags of every command that has to do with Google's cloud."""

import argparse


def where_flags() -> argparse.ArgumentParser:
    """Returns the flags that say where in Google's cloud, as a parent of other parsers."""
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("--project", metavar="ID", help="id of the Google Cloud project")
    flags.add_argument("--region", metavar="NAME", help="such as us-central1")
    flags.add_argument("--pipeline-root", metavar="gs://...", help="folder of the artifacts")
    flags.add_argument("--image", metavar="IMAGE", help="container image, with tag or digest")
    flags.add_argument("--gpu-image", metavar="IMAGE", help="that of the jobs on GPUs")
    flags.add_argument("--tpu-image", metavar="IMAGE", help="that of the jobs on TPUs")
    flags.add_argument(
        "--endpoint",
        metavar="HOST",
        help="another host of Vertex AI's API, as in a private network",
    )
    return flags


def add_rows(parser: argparse.ArgumentParser) -> None:
    """Adds how many rows the log has."""
    parser.add_argument(
        "--rows", type=int, metavar="N", help="of the log, for the cost (default: from its bytes)"
    )


def add_max_cost(parser: argparse.ArgumentParser) -> None:
    """Adds the limit above which nothing is submitted."""
    parser.add_argument(
        "--max-cost", type=float, metavar="USD", help="refuse a run that is estimated above this"
    )
