"""Measures the service against its peers, on one machine and in one run, so that only ratios are told."""
