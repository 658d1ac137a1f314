#!/usr/bin/env python3
"""Writes runtime/core/unicode_case.inc: simple case folding, lower and upper case of all code points.

Run from the root of the project when a newer Unicode is wanted: scripts/unicode_case.py
A row {first, last, step, delta}: every step-th code point from first to last maps to itself plus delta.
"""
import sys
import unicodedata


def lower(c):
    return ord(chr(c).lower()[0])  # U+0130 has a full lower case of two: i and a dot


def upper(c):
    text = chr(c).upper()
    if len(text) == 1:
        return ord(text)
    title = chr(c).title()  # U+1F80 and its like: the full upper case is two letters, the simple one is one
    return ord(title) if len(title) == 1 else c


def fold(c):
    """Status C and S of CaseFolding.txt: where the full folding is longer, the simple one is the lower case."""
    for text in (chr(c).casefold(), chr(c).lower()):
        if len(text) == 1:
            return ord(text)
    return c


def rows(mapping):
    found = []
    for c in range(0x80, sys.maxunicode + 1):
        if 0xD800 <= c <= 0xDFFF or mapping(c) == c:
            continue
        delta = mapping(c) - c
        if found and found[-1][3] == delta:
            first, last, step, _ = found[-1]
            gap = c - last
            if gap <= 2 and (step == 0 or step == gap):
                found[-1] = [first, c, gap, delta]
                continue
        found.append([c, c, 0, delta])
    return [[first, last, max(step, 1), delta] for first, last, step, delta in found]


def main():
    out = [f"// Written by scripts/unicode_case.py from Unicode {unicodedata.unidata_version}; not edited by hand."]
    for name, mapping in (("fold_rows", fold), ("lower_rows", lower), ("upper_rows", upper)):
        out.append(f"constexpr CaseRow {name}[] = {{")
        line = "   "
        for first, last, step, delta in rows(mapping):
            row = f" {{0x{first:X}, 0x{last:X}, {step}, {delta}}},"
            if len(line) + len(row) > 118:
                out.append(line)
                line = "   "
            line += row
        out.append(line)
        out.append("};")
    with open("runtime/core/unicode_case.inc", "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


main()
