"""Outputs: map, report, workbook, GeoPackage."""
