"""What each command does; a module is imported only when its command runs, so that --help stays quick."""
