// Finds the layout of a line, on processors of one kind; included once for each, in a namespace of its own: so it has
// no guard, and includes nothing.
//
// OMEN_TARGET is the attribute of its functions. Of the kind itself come words of bits for the 64 bytes at `p`:
//   equal(p, c)       the byte c
//   equal(p, bytes)   the same bytes as there
//   stops(p)          quotes, control characters, what is not ASCII
//   no_digits(p)      anything but digits

OMEN_TARGET inline uint64_t bad_bits(const char* p, const char* bytes, const LayoutBits& bits) {
  return (equal(p, bytes) ^ bits.constant) | (stops(p) & ~bits.constant) | (no_digits(p) & bits.digit);
}

// Whether each byte of the line is what it should be. One branch for all, as they are foreseen to be.
OMEN_TARGET inline bool is_of(const Layout& layout, const char* line, size_t blocks) {
  const char* bytes = layout.at<char>(layout.bytes_at);
  const LayoutBits* bits = layout.bits();
  const uint64_t last = ~uint64_t{0} >> (64 * blocks - layout.size);
  uint64_t bad = 0;
  for (; blocks > 1; --blocks, line += 64, bytes += 64, ++bits) bad |= bad_bits(line, bytes, *bits);
  return (bad | (bad_bits(line, bytes, *bits) & last)) == 0;
}

OMEN_TARGET inline bool find_one(const LayoutTable& table, const char* line, const char* slice_end, FoundLine& found) {
  found.size = 0;
  uint64_t hash = 0, feeds = 0, quotes = 0;
  size_t blocks = 0;
  for (const char* p = line;; p += 64) {
    if (p >= slice_end) return false;
    if (blocks == blocks_max) {
      const bool is_line = memchr(p, '\n', static_cast<size_t>(slice_end - p)) != nullptr;
      return found.size = is_line ? FoundLine::too_long : 0, false;
    }
    quotes = equal(p, '"');
    feeds = equal(p, '\n');
    if (feeds != 0) break;
    hash += quotes * factors[blocks++];
  }
  const size_t size = 64 * blocks + static_cast<size_t>(__builtin_ctzll(feeds)) + 1;
  if (size > static_cast<size_t>(slice_end - line)) return false;
  hash += (quotes & (feeds ^ (feeds - 1))) * last_factor + size * size_factor;
  found.size = static_cast<uint32_t>(size);
  found.hash = hash;
  for (size_t i = 0; i < LayoutTable::probes_max; ++i) {
    const LayoutTable::Slot slot = table.slots[(LayoutTable::slot_of(hash) + i) % LayoutTable::slots_count];
    if (slot.at == 0) break;
    if (slot.tag != LayoutTable::tag_of(hash)) continue;
    const Layout& layout = table.layout(slot.at);
    if (layout.size != size || !is_of(layout, line, blocks + 1)) continue;
    found.layout = &layout;
    return true;
  }
  return false;
}

OMEN_TARGET size_t find(const LayoutTable& table, const char* line, const char* slice_end, std::span<FoundLine> lines) {
  size_t count = 0;
  for (; count < lines.size() && find_one(table, line, slice_end, lines[count]); ++count) line += lines[count].size;
  return count;
}
