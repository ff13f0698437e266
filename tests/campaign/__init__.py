"""Faults in great number: `python -m tests.campaign` (`make campaign`: all of it; the tests run a short form).

Every part draws from a seed, says what it did as "N of N", and fails when its faults did not happen.
"""
