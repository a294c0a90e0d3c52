"""What follows from an incident, judged: the chain of its record, what its reports come to, whom to tell, what to block."""
