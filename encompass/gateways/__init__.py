"""The only code that calls out."""
