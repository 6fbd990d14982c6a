"""`python -m shopkit` is `shopkit`."""

from shopkit.cli import main

if __name__ == "__main__":
    main()
