"""Linked Google Sheets: contacts in, results out, within Google's quotas, resumable at any row."""
