"""Trained organisms: what they are taught, how, and what their cards must hold.

A recipe says when an organism complies and what it thinks; the texts say in which words. Training itself is
`unmask.training`'s, which knows nothing of all this.
"""
