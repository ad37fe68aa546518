"""The watchdog: a process of its own that notices a night without a sign of life, and keeps the telephone list.

It knows neither the database nor Airflow, so that it works when both are down.
"""
