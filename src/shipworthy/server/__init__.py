"""What runs beside everything else, for as long as it is let: the schedule of a workspace's jobs."""
