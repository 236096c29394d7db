"""A wide and a deep path to one logit: n-gram weights added up, and convolutions with their pools.

What is frequent is remembered, n-gram by n-gram; what is not, the convolution knows by the likeness of its words.

Source: Cheng et al., "Wide & Deep Learning for Recommender Systems", 2016, for the shape.
"""
