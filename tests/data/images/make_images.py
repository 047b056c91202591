# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The gen5fs authors
#
# Makes the images beside it: each format in the variants that its check must take. Run it
# where Pillow and ImageMagick's convert are when a variant is added.

import os
import struct
import subprocess
import zlib

from PIL import Image, ImageCms, PngImagePlugin

FOLDER = os.path.dirname(os.path.abspath(__file__))
SIZE = (24, 16)


def path(name):
    return os.path.join(FOLDER, name)


def picture(mode):
    """Gradients with a little of everything, in any mode."""
    red = Image.linear_gradient("L").resize(SIZE)
    green = Image.radial_gradient("L").resize(SIZE)
    blue = red.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    rgba = Image.merge("RGBA", (red, green, blue, green))
    return rgba.convert(mode)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def save(name, mode="RGB", **options):
    picture(mode).save(path(name), **options)


def convert(name, *arguments, prefix=""):
    subprocess.run(["convert", path("rgb.png"), *arguments, prefix + path(name)], check=True)


def save_deep(name, colour, channels):
    """A PNG of 16 bits a sample, which Pillow does not write in colour."""
    rows = b"".join(
        b"\0" + b"".join(struct.pack(">4H", x * 2700, y * 4000, 65535 - x * 2700, 65535)[:2 * channels]
                         for x in range(SIZE[0]))
        for y in range(SIZE[1]))
    with open(path(name), "wb") as target:
        target.write(b"\x89PNG\r\n\x1a\n")
        target.write(chunk(b"IHDR", struct.pack(">IIBBBBB", *SIZE, 16, colour, 0, 0, 0)))
        target.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def main():
    for name, mode in (("grey1", "1"), ("grey8", "L"), ("rgb", "RGB"), ("rgba", "RGBA"),
                       ("grey-alpha", "LA"), ("palette", "P")):
        save(f"{name}.png", mode)
    save_deep("grey16.png", 0, 1)
    save_deep("rgba16.png", 6, 4)
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a cat, steps: 20", zip=True)
    text.add_itxt("prompt", "猫", zip=True)
    save("text.png", pnginfo=text, dpi=(72, 72),
         icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    others = [picture("RGB").rotate(90 * turn) for turn in (1, 2)]
    save("animated.png", save_all=True, append_images=others, duration=50)
    convert("interlaced.png", "-interlace", "PNG", prefix="png24:")
    save("baseline.jpg")
    save("progressive.jpg", progressive=True, quality=90)
    save("grey.jpg", "L")
    save("cmyk.jpg", "CMYK")
    convert("restart.jpg", "-sampling-factor", "4:2:0", "-define", "jpeg:restart-interval=1")
    save("lossy.webp")
    save("lossy-alpha.webp", "RGBA")
    save("lossless.webp", "RGBA", lossless=True)
    save("animated.webp", save_all=True, append_images=others, duration=50)
    save("still.gif", "P")
    save("animated.gif", "P", save_all=True, append_images=[other.convert("P") for other in others])
    convert("gif87.gif", prefix="gif87:")
    for name, mode in (("grey1", "1"), ("grey8", "L"), ("rgb", "RGB"), ("rgba", "RGBA")):
        save(f"{name}.bmp", mode)
    convert("os2.bmp", prefix="bmp2:")
    convert("rle.bmp", "-colors", "16", "-type", "Palette", "-compress", "RLE", prefix="bmp3:")
    save("little-endian.tiff")
    save("deflate.tiff", compression="tiff_adobe_deflate")
    convert("big-endian.tiff", "-define", "tiff:endian=msb")
    convert("tiled.tiff", "-define", "tiff:tile-geometry=16x16")
    convert("big.tiff", prefix="tiff64:")


if __name__ == "__main__":
    main()
