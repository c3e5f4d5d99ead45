"""Scripts for people who work on calque itself; nothing here is needed to use it."""
