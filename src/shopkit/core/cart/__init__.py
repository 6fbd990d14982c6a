"""What a customer means to buy: lines, contact, addresses, choices, and what they add up to.

A cart holds no truth about prices: it is priced anew whenever it is read. A product that vanished stays as a line
marked unavailable. Calls `catalog`, `inventory`, `tax`.
"""
