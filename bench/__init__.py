"""What is measured and what is broken on purpose; nobody imports this.

Each entry measures a subject (ours) and a reference by turns, on durable commits;
`bench/results.json` keeps every sample, so that anybody can compute the medians again.
`bench.chaos` races and kills.
"""
