"""What `seqsum plugin new` writes: a task or a model of a person's own, its preset and its test, as text to be edited.

Files end in `.txt`, so that nothing here is imported. NAME, CLASS and TITLE stand for what a person chooses.
"""
