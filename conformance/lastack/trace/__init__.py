"""Captures: choosing and judging files (``inputs``, ``judging``), showing what was found (``screen``, ``ladder``, ``page``,
``junit``), explaining an exchange in words (``words``), and turning a finding into a scenario (``scenario``).

The judging itself is C++ (``lastack._judge``); nothing here decides what is right.
"""
