"""Flask for sysadmins: error reports that always arrive."""
