"""Runs models and reads statistics: checks before the first call, the run, records to result."""
