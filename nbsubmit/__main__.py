"""``python -m nbsubmit`` is the command ``nbsubmit``."""

from nbsubmit.cli.main import main

if __name__ == "__main__":
    main()
