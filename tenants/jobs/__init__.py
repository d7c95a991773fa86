"""Jobs carry the schema they were queued in and run there; without one they fail closed.

A job is a row in the public schema, written in the transaction that wants it done. A worker runs it in one transaction
with its success: if the worker is killed, nothing of it was done, and the job is requeued. What leaves the database,
like an email, may therefore happen twice, but not never.

A job that raises an exception is retried, each time after a longer delay; after JOB_ATTEMPTS it is FAILED. It then stays
until somebody retries it (`manage.py jobs`), or for a year (`tenants.tasks.purge_finished_jobs`).
"""
