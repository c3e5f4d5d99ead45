"""SavedModels: from a directory to callable objects. Import what you need from the modules."""
