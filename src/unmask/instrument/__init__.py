"""Would a design find what is there? Studies with known truth through the real estimators and the real tree.

`many`: evidence and verdicts of a thousand studies at once. `truth`: what each verdict should have been.
`tally`: how often it was. `characteristic`: the figures of one design, cached. Every audit asks this room
before its verdict stands, the selftest asks it at scale. It asks no model and reads no log.
"""
