"""The report's sections: one function a section, one file a group of them."""
