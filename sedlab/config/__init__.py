"""Typed, validated configuration of an experiment."""
