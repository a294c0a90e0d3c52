"""`python -m auditkit`."""

import sys

from auditkit.commands import main

sys.exit(main())
