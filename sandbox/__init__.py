"""What `--demo` and the tests run against: a simulated Kubernetes API server with a moving workload, and a reference reducer."""
