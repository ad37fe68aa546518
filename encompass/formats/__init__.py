"""Bytes in, typed records or named faults out."""
