"""The dossier: twenty sections about one system from one source, in three views, and the documents made of them."""
