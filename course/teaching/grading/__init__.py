"""The questions outside the notebooks: into Moodle, and onto paper."""
