"""The outside world of a plainly fictional partnership, as real servers on loopback."""
