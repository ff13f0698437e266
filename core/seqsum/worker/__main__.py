"""`python -m seqsum.worker RUN_FOLDER [LOCK_FD [TICKET | --slot COUNT]]`."""

import sys

from seqsum.worker import main

sys.exit(main(sys.argv[1:]))
