"""Encompass: a child's school told before its day begins, and every child accounted for."""
