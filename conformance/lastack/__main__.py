"""``python3 -m lastack``: the command line."""

import sys

if __name__ == "__main__":
    try:
        from lastack.cli import main
    except ImportError as error:
        from lastack import BUILD

        print(
            f"lastack: {error}\nThe native modules are missing or incomplete; build them with: cmake --build {BUILD}",
            file=sys.stderr,
        )
        sys.exit(6)
    main()
