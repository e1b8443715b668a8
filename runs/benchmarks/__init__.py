"""Benchmark networks and what is measured on them."""
