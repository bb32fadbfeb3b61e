"""Figures that know the study: functions of numbers that return a matplotlib Figure."""
