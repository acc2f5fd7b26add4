"""Alarms: how a state follows from data points or from other alarms, and the words that say so."""
