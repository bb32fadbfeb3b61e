"""What the exercises are checked against: one module for each, named like it.

CHECKS   a Check (see compare.py) for each function of the exercise
in_use   where there is one: what the learner's functions do in nnlite once they are right
"""
