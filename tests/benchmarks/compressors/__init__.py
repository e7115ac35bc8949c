"""What compressing.py compares: inputs, tolerances, peers and tables.

Not named "compression", which hides the package of that name in Python's library (3.14 and newer).
"""
