"""Pictures with at most 256 colours, half as large: the browser counts and maps the colours, this writes the file."""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

COLOURS = 256
COUNTED = """async ([picture, most]) => {
  const image = await createImageBitmap(await (await fetch("data:image/png;base64," + picture)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const pixels = new Uint32Array(pen.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const apart = ([r, g, b], [x, y, z]) => (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2;
  const ranked = [...counts.entries()].sort((a, b) => b[1] - a[1]).map(([pixel]) => pixel);
  // The most frequent ones, and of the rare those that are least like any other.
  const palette = ranked.slice(0, most / 2), rest = ranked.slice(most / 2, 6000);
  const far = rest.map((pixel) => Math.min(...palette.map((other) => apart(parts(pixel), parts(other)))));
  while (palette.length < most && rest.length) {
    const at = far.indexOf(Math.max(...far)), pixel = rest[at];
    palette.push(pixel);
    rest.forEach((other, no) => { far[no] = Math.min(far[no], apart(parts(other), parts(pixel))); });
  }
  const chosen = palette.map(parts), place = new Map(palette.map((pixel, at) => [pixel, at]));
  const nearest = (pixel) => {
    const own = parts(pixel);
    let best = 0, least = Infinity;
    chosen.forEach((other, at) => {
      const far = apart(own, other);
      if (far < least) { least = far; best = at; }
    });
    return best;
  };
  const bytes = new Uint8Array(pixels.length);
  pixels.forEach((pixel, at) => {
    if (!place.has(pixel)) place.set(pixel, nearest(pixel));
    bytes[at] = place.get(pixel);
  });
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return [image.width, image.height, chosen.flat(), btoa(text)];
}"""


def small_png(blank: Page, picture: bytes) -> bytes:
    """The PNG ``picture`` with the colours that are most frequent in it; ``blank`` is a page without a policy."""
    encoded = base64.b64encode(picture).decode()
    width, height, palette, pixels = blank.evaluate(COUNTED, [encoded, COLOURS])
    raw = base64.b64decode(pixels)
    rows = b"".join(b"\0" + raw[at : at + width] for at in range(0, len(raw), width))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(palette)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
