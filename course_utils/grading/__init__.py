"""Grades submissions: probes in a sandbox, judges outside it, one file per result."""
