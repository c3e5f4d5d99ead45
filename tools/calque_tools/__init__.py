"""The calque command: shows, checks and changes saved models."""
