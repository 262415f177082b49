"""Figures: pure functions of arrays and tables that return a matplotlib or plotly figure."""
