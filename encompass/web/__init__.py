"""The pages of schools and leaders."""
