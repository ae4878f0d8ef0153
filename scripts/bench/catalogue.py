#!/usr/bin/env python3
"""catalogue.py FOLDER COURSES LESSONS CAPTIONS QUIZ: course folders around FOLDER/lesson.mp4."""

import os
import sys

folder, courses, lessons, captions, quiz = sys.argv[1:]
recording = os.path.join(folder, "lesson.mp4")
with open(captions, "rb") as file:
    captions = file.read()
with open(quiz, encoding="utf-8") as file:
    # Ids come from the files' names.
    quiz = "".join(line for line in file if not line.startswith("id = \"") or "-" not in line)

for c in range(int(courses)):
    course = os.path.join(folder, "content", f"khoa-{c}")
    os.makedirs(course)
    with open(os.path.join(course, "course.toml"), "w", encoding="utf-8") as file:
        file.write(f'languages = ["vi", "en"]\naudience = ["lop-{c % 12 + 1}"]\n')
        file.write(f'[title]\nvi = "Kỹ năng số, phần {c}"\nen = "Digital skills, part {c}"\n')
        file.write(f'[summary]\nvi = "Mật khẩu, lừa đảo và định danh điện tử, phần {c}."\n')
    for n in range(int(lessons)):
        lesson = os.path.join(course, f"{n + 1:02}-bai-{n + 1}")
        os.mkdir(lesson)
        os.link(recording, os.path.join(lesson, "video-240p.mp4"))
        with open(os.path.join(lesson, "captions.vi.vtt"), "wb") as file:
            file.write(captions)
        with open(os.path.join(lesson, "quiz.toml"), "w", encoding="utf-8") as file:
            file.write(quiz)
        with open(os.path.join(lesson, "lesson.toml"), "w", encoding="utf-8") as file:
            file.write(f'skills = ["ky-nang-{n}"]\n[title]\nvi = "Bài {n + 1} của phần {c}"\n')
