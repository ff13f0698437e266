"""`python -m seqsum.training.backends.fused` compiles ahead of the first run; with `--lanes` also what trains several
runs at once."""

import sys

from seqsum.training.backends.fused.cache import compile_lanes, compile_once

compile_once()
if "--lanes" in sys.argv:
    compile_lanes()
