"""The console's own widgets. They post messages; screens decide."""
