"""The law: programme documents and the pure steps that apply them.

A programme is a TOML document whose every number names its clause. The modules here read such
a document and answer questions by it: who may apply, how much, who must approve, how long, how
a bill is split. Nothing here knows the database, the clock or the web; facts come in as frozen
dataclasses, answers go out with their working and their clauses.
"""
