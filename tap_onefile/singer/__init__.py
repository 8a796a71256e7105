"""All that knows what the Singer SDK looks like inside.

Whatever we rely on that the SDK does not promise has a test in ``tests/unit/test_sdk_assumptions.py``.
"""
