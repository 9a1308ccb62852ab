"""`podwire decode` and `podwire replay`: of what a relay sent (`podwire.upstream`), and of what watchers published (`podwire.updates`)."""
