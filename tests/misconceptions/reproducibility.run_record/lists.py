"""A record as a tuple."""

MISCONCEPTION = "result/not-a-record"


def run_record(settings, files, folder):
    return settings, [str(file) for file in files], str(folder)
