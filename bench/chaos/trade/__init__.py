"""The trade: the same through the product's own doors, over a portal and a worker that are killed.

Orders come in by the provider's HTTP API; use, bills, batches by three people and bank
statements by API, pages and actions; lapse, expiry and settlement are left to the worker. An
errand is a row of steps whose keys follow from its number, so that after a kill of the harness
it is simply run again.
"""
