"""Recordings and phantoms as the training reads them: finding, checking and preparing pictures and speech."""
