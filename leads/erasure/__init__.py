"""Erasure: everything that tells who a lead was goes, in every table and file, and it is proved.

`erase.lead_erase` does it, with what each app knows of its own tables (`settings.ERASERS`); then
every text in the database is swept for what is known of the person, and searched once more.
"""
