"""Chaos: hundreds of leads are called while everything around the calls breaks, again and again.

The product's own processes on a PostgreSQL cluster and a Redis of their own, called leads from the
carrier simulator's fast mode, a schedule of breakages drawn from a seed, and at the end every
promise checked on the product's data and on the carrier's list of calls.
"""
