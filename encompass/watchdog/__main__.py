"""`python -m encompass.watchdog`: the watchdog in a process of its own."""

from encompass.watchdog.command import main

main()
