"""A campaign of faults: whatever goes wrong, a run is complete, or says that it is not and loses nothing for the next.

`scenarios` says what may go wrong, `trials` lets it happen to a real run of the tap, `verdicts` judges what came of it,
and `tally` counts. The tests use it in a short form, `make soak` in a long one.
"""
