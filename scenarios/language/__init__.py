"""The scenario language in its other forms: Excel sheet, JSON Schema, reference page, differences of two scenarios."""
