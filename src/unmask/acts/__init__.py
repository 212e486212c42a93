"""Simulated worlds in which a model could act against its maker. Plain data: no process, no network.

A world is a YAML file under `worlds/`; what was done is read from its state, never from what a model says.
"""
