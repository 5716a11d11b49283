"""``python -m nbsubmit.worker FOLDER`` runs the job in that folder."""

import sys

from nbsubmit.worker.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
