"""The dossier: twenty sections about one system, made from one source, in three views; and the documents made of them."""
