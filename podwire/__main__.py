"""`python -m podwire`: the same as `podwire`."""

from podwire.cli import main

main()
