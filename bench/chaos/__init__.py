"""The ledger under fire: eight clients, every request sent twice, everything killed.

`python3 dev.py chaos --seed 7 --minutes 10` runs a whole Tessera of its own below `var/chaos/7`:
PostgreSQL with durable commits, Valkey, worker, timetable and portal. From the seed follows what
each client asks (`plan`), and what is killed when. A model in plain Python says what each request
must be answered (`model`); afterwards the ledger and the product are compared with everything
that was acknowledged (`proof`). The report goes to `bench/chaos/reports`.
"""
