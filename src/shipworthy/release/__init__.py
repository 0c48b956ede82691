"""From runs to a decision: criteria tested, gate decided, samples needed."""
