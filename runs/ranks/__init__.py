"""What one machine serves, what ranks add, and what larger networks would take."""
