"""Chips as data: what each offers and what its operations cost, every number with its source."""
