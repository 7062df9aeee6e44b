"""A soak: real programs write and rotate logs, logmill reads them, and a second log that nobody rotates says what is right.

- `policies`: who writes, and how the logs are rotated; `modes`: how logmill is run, and killed
- `needs`: the programs, and their Debian packages
- `servers`, `loggers`, `handlers`: nginx, Apache, rsyslog; svlogd, multilog, s6-log; Python's logging
- `load`: requests and lines, each with an id of its own
- `rotation`: logrotate, as cron would call it, and other recipes
- `witness`: which ids lay in files that logmill could have listed
- `reader`: logmill itself
- `case`: one policy in one mode, from the start of the programs to the figures
- `verdict`: the figures, and what is wrong with them
- `cli`: many cases at once, the table
"""
