// Records: what a form or an envelope made of a piece of input: JSON objects, one a line, and where each came from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/model/rejection.h"

namespace omen {

// A record as the input has it.
struct Origin {
  LinePlace place;
  std::string_view bytes;
};

struct Records {
  std::string lines;
  std::vector<Origin> origins;  // by line
  std::vector<Rejection> rejections;

  void clear() {
    lines.clear();
    origins.clear();
    rejections.clear();
  }
  void reject(Reason reason, const Origin& origin, size_t column = 1) {
    rejections.push_back({reason, origin.place, static_cast<uint32_t>(column), origin.bytes});
  }
  // What is read next counts as a line of this origin. To be ended, or dropped with lines.resize() before.
  void end_line(const Origin& origin) {
    lines += '\n';
    origins.push_back(origin);
  }
  // The lines with the decoder's padding behind them; until the next change.
  std::string_view padded() {
    const size_t size = lines.size();
    lines.append(slice_padding, '\0');
    lines.resize(size);
    return lines;
  }
};

}  // namespace omen
