"""`python -m encompass.cli`."""

from encompass.cli.commands import main

if __name__ == "__main__":
    main()
