"""`python -m podwire`: the same as `podwire`."""

from podwire.entry import main

main()
