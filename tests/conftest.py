"""What all tests share: hypothesis asserts no wall-clock time, since a busy machine is no fault of the code."""

from hypothesis import HealthCheck, settings

settings.register_profile("podwire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("podwire")
