"""A study of masks that were made elsewhere: sheet, reading, and the data of the one that ships."""
