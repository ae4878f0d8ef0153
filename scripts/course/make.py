#!/usr/bin/env python3
"""Makes the media of the bundled course: slides, narration, captions and renditions.

usage: scripts/course/make.py [LESSON...]      (all lessons by default)

Reads scripts/course/lessons/<nn-lesson>.toml and writes, beside the hand-written lesson.toml and
quiz.toml in content/ky-nang-so/<nn-lesson>/: video-{240,360,720}p.mp4, audio.m4a,
captions.vi.vtt and captions.en.vtt. Intermediate files live in a temporary directory.

Needs the Debian packages ffmpeg, espeak-ng, chromium, fonts-inter and python3 (3.11 or newer).
The same versions of these packages produce the same bytes.
"""

import html
import pathlib
import subprocess
import sys
import tempfile
import tomllib
import wave

sys.dont_write_bytecode = True
from pictures import PICTURES  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
COURSE = HERE.parent.parent / "content" / "ky-nang-so"
FPS = 20
GOP_S = 2
PAUSE_MS, SLIDE_PAUSE_MS, LEAD_MS, TAIL_MS = 350, 750, 700, 900
FADE_S = 0.32
# lines, video bits a second at most, constant rate factor
RENDITIONS = [(240, 70_000, 33), (360, 120_000, 33), (720, 320_000, 35)]
AUDIO_BITS = 20_000


def run(*args: object, **more: object) -> None:
    subprocess.run([str(a) for a in args], check=True, **more)


def steps_of(lesson: dict) -> list[dict]:
    """One entry a spoken sentence, in order, with its slide and its place in it."""
    return [
        {**step, "slide": number, "at": at}
        for number, slide in enumerate(lesson["slide"])
        for at, step in enumerate(slide["step"])
    ]


def page_of(lesson: dict) -> str:
    """Every step as one section, below each other."""
    sections = []
    for step in steps_of(lesson):
        slide = lesson["slide"][step["slide"]]
        points = []
        for at, other in enumerate(slide["step"]):
            state = "later" if at > step["at"] else "now" if at == step["at"] else "done"
            points.append(
                f'<li class="{state}"><i>{at + 1}</i><span>{html.escape(other["point"])}</span></li>'
            )
        cover = ' class="cover"' if step["slide"] == 0 else ""
        sections.append(
            f'<section{cover}><div class="side">{PICTURES[slide["icon"]]}</div>'
            f'<div class="text"><p class="kicker">{html.escape(lesson["kicker"])}</p>'
            f'<h1>{html.escape(slide["title"])}</h1><p class="en" lang="en">'
            f'{html.escape(slide["title_en"])}</p><ol>{"".join(points)}</ol></div>'
            f'<p class="brand">Lamplight · {lesson["number"]}</p></section>'
        )
    css = (HERE / "slide.css").read_text()
    return (
        f'<!doctype html><html lang="vi"><meta charset="utf-8"><style>{css}</style>'
        f'<body>{"".join(sections)}</body></html>'
    )


def draw(lesson: dict, tmp: pathlib.Path) -> list[pathlib.Path]:
    """One picture a step."""
    steps = steps_of(lesson)
    (tmp / "slides.html").write_text(page_of(lesson))
    run(
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={tmp / 'profile'}", f"--window-size=1280,{720 * len(steps)}",
        f"--screenshot={tmp / 'slides.png'}", (tmp / "slides.html").as_uri(),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    shots = []
    for at in range(len(steps)):
        shots.append(tmp / f"step-{at:02}.png")
        run(
            "ffmpeg", "-v", "error", "-y", "-i", tmp / "slides.png",
            "-vf", f"crop=1280:720:0:{720 * at}", shots[-1],
        )  # fmt: skip
    return shots


def speak(lesson: dict, tmp: pathlib.Path) -> tuple[pathlib.Path, list[tuple[int, int]], int]:
    """The narration as one WAV file, when each step is spoken, and the whole length, in ms."""
    rate, sound, spans, last_slide = 0, bytearray(), [], 0

    def rest(ms: int) -> None:
        sound.extend(bytes(2 * (rate * ms // 1000)))

    for at, step in enumerate(steps_of(lesson)):
        file = tmp / f"say-{at:02}.wav"
        said = step.get("say", step["text"])
        run("espeak-ng", "-v", "vi", "-s", "168", "-p", "42", "-g", "2", "-w", file, said)
        with wave.open(str(file)) as clip:
            rate, frames = clip.getframerate(), clip.readframes(clip.getnframes())
        rest(LEAD_MS if at == 0 else PAUSE_MS if step["slide"] == last_slide else SLIDE_PAUSE_MS)
        last_slide = step["slide"]
        begin = len(sound) // 2
        sound.extend(frames)
        spans.append((begin * 1000 // rate, len(sound) // 2 * 1000 // rate))
    rest(TAIL_MS)
    # A whole number of groups of pictures, so that every rendition ends on the same instant.
    group = 2 * rate * GOP_S
    sound.extend(bytes(-len(sound) % group))
    whole = tmp / "narration.wav"
    with wave.open(str(whole), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(bytes(sound))
    return whole, spans, len(sound) // 2 * 1000 // rate


def stamp(ms: int) -> str:
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def wrapped(text: str, columns: int = 42) -> str:
    """Two lines of about the same length when one would be too wide for a phone."""
    if len(text) <= columns:
        return text
    gaps = [at for at, letter in enumerate(text) if letter == " "]
    middle = min(gaps, key=lambda at: abs(at - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1:]}"


def captions(lesson: dict, key: str, spans: list[tuple[int, int]]) -> str:
    cues = [
        f"{stamp(max(0, begin - 100))} --> {stamp(end + 250)}\n{wrapped(step[key])}\n"
        for step, (begin, end) in zip(steps_of(lesson), spans)
    ]
    return "WEBVTT\n\n" + "\n".join(cues)


def encode_audio(narration: pathlib.Path, out: pathlib.Path) -> None:
    run(
        "ffmpeg", "-v", "error", "-y", "-i", narration, "-af",
        "highpass=f=90,lowpass=f=8500,acompressor=threshold=0.2:ratio=3,volume=1.6,"
        "alimiter=limit=0.9:level=0",
        "-ar", 24000, "-ac", 1, "-c:a", "aac", "-b:a", AUDIO_BITS, "-fflags", "+bitexact",
        "-flags:a", "+bitexact", "-map_metadata", -1, "-metadata:s:a:0", "language=vie",
        "-movflags", "+faststart", out,
    )  # fmt: skip


def film(shots: list[pathlib.Path], spans: list[tuple[int, int]], length_ms: int) -> list[object]:
    """ffmpeg's inputs and the filter that joins the steps with soft cuts and a progress line."""
    starts = [0] + [begin - 150 for begin, _ in spans[1:]]
    ends = starts[1:] + [length_ms]
    args: list[object] = []
    for shot, begin, end in zip(shots, starts, ends):
        seconds = (end - begin) / 1000 + FADE_S
        args += ["-loop", 1, "-framerate", FPS, "-t", f"{seconds:.3f}", "-i", shot]
    graph, last = [], "[0:v]"
    for at, begin in enumerate(starts[1:], 1):
        graph.append(
            f"{last}[{at}:v]xfade=transition=fade:duration={FADE_S}:offset={begin / 1000:.3f}[x{at}]"
        )
        last = f"[x{at}]"
    whole = length_ms / 1000
    graph.append(f"color=c=0xffcf66:s=1280x10:r={FPS}:d={whole}[bar]")
    graph.append(
        f"{last}[bar]overlay=x='-W+W*t/{whole}':y=710:eval=frame,trim=duration={whole},"
        f"format=yuv420p,split={len(RENDITIONS)}" + "".join(f"[s{i}]" for i in range(len(RENDITIONS)))
    )
    for at, (lines, _, _) in enumerate(RENDITIONS):
        width = -(-lines * 16 // 9 // 2) * 2
        graph.append(f"[s{at}]scale={width}:{lines}:flags=lanczos,setsar=1[v{at}]")
    return [*args, "-filter_complex", ";".join(graph)]


def encode_video(source: list[object], audio: pathlib.Path, folder: pathlib.Path) -> None:
    count = source.count("-i")
    outputs: list[object] = []
    for at, (lines, bits, quality) in enumerate(RENDITIONS):
        outputs += [
            "-map", f"[v{at}]", "-map", f"{count}:a", "-c:a", "copy",
            "-c:v", "libx264", "-preset", "veryslow", "-tune", "animation",
            "-profile:v", "main" if lines < 720 else "high", "-crf", quality,
            "-maxrate", bits, "-bufsize", 2 * bits, "-threads", 2, "-bf", 2, "-refs", 3,
            "-x264-params",
            f"keyint={FPS * GOP_S}:min-keyint={FPS * GOP_S}:scenecut=0:open-gop=0:rc-lookahead=50",
            "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", -1,
            "-metadata:s:a:0", "language=vie",
            "-movflags", "+faststart", folder / f"video-{lines}p.mp4",
        ]  # fmt: skip
    run("ffmpeg", "-v", "error", "-y", *source[:-2], "-i", audio, *source[-2:], *outputs)


def make(script: pathlib.Path) -> None:
    lesson = tomllib.loads(script.read_text())
    folder = COURSE / script.stem
    with tempfile.TemporaryDirectory() as name:
        tmp = pathlib.Path(name)
        narration, spans, length_ms = speak(lesson, tmp)
        for language, key in (("vi", "text"), ("en", "en")):
            (folder / f"captions.{language}.vtt").write_text(captions(lesson, key, spans))
        encode_audio(narration, folder / "audio.m4a")
        shots = draw(lesson, tmp)
        encode_video(film(shots, spans, length_ms), folder / "audio.m4a", folder)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{script.stem}: {length_ms / 1000:.1f} s, {size / 1024:.0f} KiB")


if __name__ == "__main__":
    chosen = sys.argv[1:] or sorted(file.stem for file in (HERE / "lessons").glob("*.toml"))
    for stem in chosen:
        make(HERE / "lessons" / f"{stem}.toml")
