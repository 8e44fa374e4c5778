"""Parcels on scheduled buses (交邮): which villages a bus serves and which the truck rounds keep, decided together."""
