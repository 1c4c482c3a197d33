"""Where value is and how it got there: append-only transfers between accounts of one unit.

Promises: what is written stays written; no guarded balance goes below nothing whoever races;
asking twice with one key moves value once; every row can be proven from the rows beside it.
"""
