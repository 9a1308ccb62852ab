"""How a running pipeline stands: what `podwire status` prints once, `podwire top` again and again, and the demo shows too."""
