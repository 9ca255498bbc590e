"""The outbox: due reminders on their way to the application that makes the calls."""
