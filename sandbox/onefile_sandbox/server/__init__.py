"""HTTP: the web server, delivery of answers, faults, the control routes, and the log of calls."""
