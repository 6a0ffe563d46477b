"""Settings per environment; `DJANGO_ENV` chooses the module. See `env.py` for every variable."""
