"""Is the instrument right? Simulated studies with known truth, through the real estimators and the real tree.

`intervals`: do they cover. `scenarios`: what is simulated. `verdicts`: are they right, are wrong ones rare.
`depth`: is k = 3 enough. `words`: the report. Knows nothing of models, prompts or files.
"""

from unmask.selftest.suite import Selftest, run_selftest

__all__ = ["Selftest", "run_selftest"]
