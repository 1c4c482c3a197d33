"""Usage formats in: strangers' job logs become exact records, one adapter a file.

Nothing here knows a database. A file is refused as a whole only if it cannot be read at all;
whatever is wrong with single rows is told row by row, all of it.
"""
