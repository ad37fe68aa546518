"""Offline: a new version of the matching parameters, estimated with Splink and from what people decided."""
