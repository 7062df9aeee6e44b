"""`python -m fuzz_jobs`; scripts/fuzz-jobs calls it with the right Python."""

import sys

from .cli import main

sys.exit(main())
