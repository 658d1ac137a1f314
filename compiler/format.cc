// Format: the canonical layout. Words are never changed, added or left out, only the space between them, so the
// meaning stays; comments stay behind the word or before the line where they stood.
//
// A line of the layout (clause, field, …) is written flat. While one does not fit, its outermost group of soft joints
// (arrows of a pattern, members of an object) is broken, all of the group at once.

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "compiler/parse_layout.h"

namespace omen {

namespace {

using Joint = Piece::Joint;
using Column = Piece::Column;

constexpr size_t width_max = 100;
constexpr size_t continuation_columns = 4;  // behind a comment in the middle of a line

size_t columns_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Pieces that stand on one line if they fit.
struct Line {
  std::vector<const Piece*> pieces;
  size_t indent = 0;
  bool blank_before = false;
  bool begins_block = false;
  bool closes_block = false;
  bool is_comment = false;
};

// One line as it comes out.
struct Written {
  std::string text;
  size_t align_at = 0;  // bytes before the aligned piece; 0: none
  Column column = Column::none;
  bool blank_before = false;
  std::string comment;
};

class Formatter {
 public:
  Formatter(std::string_view source, const std::vector<Piece>& pieces) : source_(source), pieces_(pieces) {}

  std::string run() {
    split();
    separate_blocks();
    for (const Line& line : lines_) write(line);
    align();
    std::string out;
    for (const Written& line : written_) {
      if (line.blank_before && !out.empty()) out += '\n';
      out += line.text;
      if (!line.comment.empty())
        out += (line.text.find_first_not_of(' ') == std::string::npos ? "" : "  ") + line.comment;
      out += '\n';
    }
    return out;
  }

 private:
  std::string_view text(const Piece& piece) const { return source_.substr(piece.begin, piece.end - piece.begin); }

  // The next piece that is no comment.
  const Piece* following(size_t index) const {
    while (index < pieces_.size() && pieces_[index].is_comment) ++index;
    return index < pieces_.size() ? &pieces_[index] : nullptr;
  }

  bool is_blank_before(size_t index) const {
    const uint32_t from = index == 0 ? 0 : pieces_[index - 1].end;
    const std::string_view between = source_.substr(from, pieces_[index].begin - from);
    return std::count(between.begin(), between.end(), '\n') > 1;
  }

  void split() {
    for (size_t i = 0; i < pieces_.size(); ++i) {
      const Piece& piece = pieces_[i];
      const Piece* next = following(i);
      const bool own_comment =
          piece.is_comment && !piece.is_trailing && (next == nullptr || next->joint == Joint::line);
      const bool begins = lines_.empty() || own_comment || (!piece.is_comment && piece.joint == Joint::line);
      if (!begins) {
        lines_.back().pieces.push_back(&piece);
        continue;
      }
      Line line;
      line.pieces.push_back(&piece);
      line.is_comment = piece.is_comment;
      line.indent = !piece.is_comment ? piece.indent : next == nullptr ? 0 : next->closes_block ? 2 : next->indent;
      line.begins_block = piece.begins_block;
      line.closes_block = piece.closes_block;
      const bool is_first_of_block = !lines_.empty() && line.indent > lines_.back().indent;
      line.blank_before = is_blank_before(i) && !is_first_of_block && !line.closes_block;
      lines_.push_back(std::move(line));
    }
  }

  // A blank line between declarations of which one takes several lines, before the comments of the second.
  void separate_blocks() {
    bool block_before = false, any_before = false;
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].is_comment || lines_[i].indent != 0 || lines_[i].closes_block) continue;
      size_t first = i;
      bool is_separated = lines_[i].blank_before;
      for (; first > 0 && lines_[first - 1].is_comment && lines_[first - 1].indent == 0; --first) {
        is_separated = is_separated || lines_[first - 1].blank_before;
      }
      if (any_before && (block_before || lines_[i].begins_block) && !is_separated) lines_[first].blank_before = true;
      block_before = lines_[i].begins_block;
      any_before = true;
    }
  }

  void write(const Line& line) {
    std::set<uint32_t> broken;
    for (size_t i = 0; i + 1 < line.pieces.size(); ++i) {
      if (line.pieces[i]->is_comment && line.pieces[i + 1]->joint == Joint::soft)
        broken.insert(line.pieces[i + 1]->group);
    }
    for (;;) {
      std::vector<Written> written;
      const uint32_t group = write(line, broken, written);
      if (group != 0) {
        broken.insert(group);
        continue;
      }
      written.front().blank_before = line.blank_before;
      if (written.size() > 1) {
        for (Written& w : written) w.column = Column::none;
      }
      for (Written& w : written) written_.push_back(std::move(w));
      return;
    }
  }

  // Writes with some groups broken. Returns the group to break next, 0 when it fits or nothing helps.
  uint32_t write(const Line& line, const std::set<uint32_t>& broken, std::vector<Written>& out) const {
    const Piece* candidate = nullptr;  // the outermost soft joint of the present line
    uint32_t too_long = 0;
    const auto finish = [&] {
      if (!out.empty() && columns_of(out.back().text) > width_max && candidate != nullptr && too_long == 0) {
        too_long = candidate->group;
      }
      candidate = nullptr;
    };
    const auto begin = [&](size_t indent) {
      finish();
      out.emplace_back();
      out.back().text.assign(indent, ' ');
    };
    const Piece* before = nullptr;
    for (const Piece* piece : line.pieces) {
      const bool after_comment = before != nullptr && before->is_comment;
      const bool breaks = piece->joint == Joint::soft && broken.contains(piece->group);
      if (before == nullptr) {
        begin(line.indent);
      } else if (!piece->is_comment && breaks) {
        begin(line.indent + piece->indent);
      } else if (after_comment || (piece->is_comment && !piece->is_trailing)) {
        begin(line.indent + continuation_columns);
      } else if (!piece->is_comment && piece->joint != Joint::glued) {
        if (piece->joint == Joint::soft && (candidate == nullptr || piece->level < candidate->level)) candidate = piece;
        out.back().text += ' ';
      }
      if (piece->is_comment) {
        out.back().comment = text(*piece);
      } else {
        if (piece->column != Column::none) {
          out.back().column = piece->column;
          out.back().align_at = out.back().text.size();
        }
        out.back().text += text(*piece);
      }
      before = piece;
    }
    finish();
    return too_long;
  }

  // Pads lines of one kind that stand below one another, so that their aligned pieces do too.
  void align() {
    for (size_t i = 0; i < written_.size();) {
      size_t end = i + 1;
      const auto kind = written_[i].column;
      while (kind != Column::none && end < written_.size() && written_[end].column == kind &&
             !written_[end].blank_before) {
        ++end;
      }
      size_t column = 0;
      for (size_t k = i; k < end; ++k)
        column = std::max(column, columns_of(written_[k].text.substr(0, written_[k].align_at)));
      // A table of fields or events: two spaces behind the longest.
      if ((kind == Column::field || kind == Column::event) && end > i + 1) ++column;
      for (size_t k = i; k < end && kind != Column::none; ++k) {
        const size_t has = columns_of(written_[k].text.substr(0, written_[k].align_at));
        written_[k].text.insert(written_[k].align_at, column - has, ' ');
      }
      i = end;
    }
  }

  std::string_view source_;
  const std::vector<Piece>& pieces_;
  std::vector<Line> lines_;
  std::vector<Written> written_;
};

}  // namespace

std::optional<std::string> format(const Sources& sources, uint32_t file, Diagnostics& diagnostics) {
  const auto pieces = layout(sources, file, diagnostics);
  if (!pieces) return {};
  return Formatter(sources.files[file].text, *pieces).run();
}

}  // namespace omen
