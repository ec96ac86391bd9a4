"""How the harness reaches a stack under test: one interface (``carrier``), three carriers, and the table of named
stacks.
"""
