"""Runs that other libraries' loops train, watched as `seqsum.watch` watches a script's: a callback for each library.

from seqsum.callbacks.lightning import SeqsumCallback
from seqsum.callbacks.transformers import SeqsumCallback
from seqsum.callbacks.keras import SeqsumCallback
"""
