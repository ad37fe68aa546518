"""The command line: `encompass`, with the same steps as the DAGs."""

from encompass.cli.commands import main

__all__ = ["main"]
