"""What a teacher is asked to write about, so that it does not write the same thing a thousand times.

Each prompt names one topic, drawn by the run's dice; `--topics` replaces the list.
"""

TOPICS = {
    "operating_system": (
        "finding files by name, age or size", "counting files and folders", "hidden files", "symbolic and hard links",
        "file permissions and ownership", "users and groups", "disk usage of folders", "searching text with grep",
        "columns of text with awk and cut", "sorting and removing repeated lines", "replacing text with sed",
        "comparing two files", "log files", "CSV files", "JSON files read with Python", "configuration files",
        "environment variables", "running processes", "background jobs", "archives with tar and gzip",
        "checksums", "dates and timestamps of files", "shell scripts that take arguments", "aliases and functions",
        "renaming many files", "splitting and joining files", "file encodings and line ends", "cron-like schedules",
        "a git repository", "system information in /proc and /etc",
    ),
    "database": (
        "a hospital", "an airline", "a library", "a football league", "a film festival", "an online shop",
        "a university", "a restaurant", "a bank", "a museum", "a railway", "a farm", "a city's elections",
        "a music label", "a hotel", "a software company's bugs", "a zoo", "a power grid", "a post office",
        "a car rental", "an observatory", "a theatre", "a fishing fleet", "a school's timetable", "a court",
        "an insurance company", "a weather station", "a gym", "a publishing house", "a charity",
    ),
}  # fmt: skip
