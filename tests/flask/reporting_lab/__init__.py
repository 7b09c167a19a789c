"""What the tests of error_reporting share: an application that fails, its server, a mailbox."""
