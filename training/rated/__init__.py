"""The network that learns from labels, from ratings, and from what a teacher says of both.

Sources (`sources`), the teacher and what it says (`teacher`, `teacher_training`, `answers`), and the network
(`lessons`, `train`).
"""
