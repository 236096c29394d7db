"""A small network taught by larger ones: data -> teachers -> labels -> network -> graphs.

The teachers are a pre-trained transformer, which knows the language, and linear models of whole reviews, which know
reviews. What they say of texts without labels is what the network learns from, beside labels given by people.

Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""
