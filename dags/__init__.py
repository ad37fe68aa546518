"""The timetable: Airflow's DAGs, each task one call into the wiring."""
