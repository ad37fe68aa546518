"""The command line: `encompass`, with the same steps as the DAGs."""

from encompass.cli.commands import main
from encompass.cli.match_files import match_files
from encompass.cli.queue import queue

main.add_command(match_files)
main.add_command(queue)

__all__ = ["main"]
