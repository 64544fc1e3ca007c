from tests.doors.generated import made

for file, text in made().items():
    file.write_text(text, "utf-8")
