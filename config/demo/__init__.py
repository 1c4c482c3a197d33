"""A made-up year of three programmes, lived through the project's own actions.

Everything is drawn from one seed and happens at past instants, in order of time.
"""
