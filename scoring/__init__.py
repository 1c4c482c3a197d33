"""What the compute led to: outcomes, scores, standing, and the regulator's figures.

It reads everything and decides nothing: its results reach the next award through an action.
"""
