"""Runs models: checks before the first call, the run and its folder, what is done with runs afterwards."""
