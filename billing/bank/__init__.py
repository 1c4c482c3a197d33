"""Bank formats out and in: payment files to the bank, statements from it, one message a file.

Nothing here knows a database. What we write is valid by its schema and exact to the cent before
anybody sees it; what we read is a stranger's until it has been read.
"""
