"""The command line: `encompass`, with the same steps as the DAGs."""

from encompass.cli.adults import adults
from encompass.cli.calendar import calendar
from encompass.cli.calls import calls
from encompass.cli.commands import main
from encompass.cli.exceptions import exceptions
from encompass.cli.force import force
from encompass.cli.freeze import freeze
from encompass.cli.holds import holds
from encompass.cli.intake import intake
from encompass.cli.match_files import match_files
from encompass.cli.quality import quality
from encompass.cli.quarantine import quarantine
from encompass.cli.queue import queue
from encompass.cli.recall import breaches, recall, told
from encompass.cli.second_factor import confirm_reset, reset_second_factor, resets, withdraw_reset
from encompass.cli.status import status
from encompass.cli.train_matching import train_matching
from encompass.watchdog.command import main as watchdog

main.add_command(adults)
for of_adults in (reset_second_factor, resets, confirm_reset, withdraw_reset):
    adults.add_command(of_adults)
main.add_command(calendar)
main.add_command(calls)
main.add_command(exceptions)
main.add_command(force)
main.add_command(freeze)
main.add_command(holds)
main.add_command(intake)
main.add_command(match_files)
main.add_command(quality)
main.add_command(quarantine)
main.add_command(queue)
main.add_command(status)
main.add_command(recall)
main.add_command(breaches)
main.add_command(told)
main.add_command(train_matching)
main.add_command(watchdog, "watchdog")

__all__ = ["main"]
