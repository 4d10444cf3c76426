"""Filled exercises of lesson 00."""


def my_negative(x):
    return -x
