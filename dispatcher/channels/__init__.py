"""How a message leaves: one small file per channel behind the contract in ``contract``.

A channel knows the contract and the errors and nothing else of the product. ``bootstrap`` lists
the channels and imports each when it is first used.
"""
