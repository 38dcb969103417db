"""The helper package of the workbook. Importing it loads neither torch nor transformers."""

__version__ = "0.1.0"
