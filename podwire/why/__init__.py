"""`podwire why`: what is known of a pod, and why it has not been sent."""
