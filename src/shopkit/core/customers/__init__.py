"""Customers and how to reach them: contacts, identities, addresses.

Owns the people who buy, guests among them. Always true: a customer has at least one identity; phones are E.164 and
e-mails NFC in lower case before they are stored or compared; an unverified identity is never a proof of who somebody
is. Calls `tenancy` and the kernel only.
"""
