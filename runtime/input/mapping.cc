#include "runtime/input/mapping.h"

#include <algorithm>

#include "runtime/core/evaluate.h"
#include "runtime/core/json.h"
#include "runtime/core/operators.h"
#include "runtime/core/write.h"
#include "runtime/input/parts.h"

namespace omen {

MappingWriter::MappingWriter(const Program& program, const MappingProgram& mapping)
    : program_(program), mapping_(mapping), prepared_(program), no_captures_(program) {
  for (const MappedProgram& member : mapping.members) {
    std::string quoted;
    json::append_string(quoted, member.name);
    names_.push_back(quoted.substr(1, quoted.size() - 2));
    first_.push_back(static_cast<size_t>(std::find(names_.begin(), names_.end(), names_.back()) - names_.begin()));
    if (!member.is_rest) known_.insert(names_.back());
  }
  is_written_.resize(names_.size());
}

void MappingWriter::write(const Event& record, const Origin& origin, Records& out) {
  scratch_.clear();
  is_written_.assign(names_.size(), false);
  const Evaluation evaluation{program_, prepared_, scratch_, no_captures_, &record};
  std::string& line = out.lines;
  line += '{';
  std::string json;
  for (size_t i = 0; i < names_.size(); ++i) {
    const MappedProgram& member = mapping_.members[i];
    if (!member.is_rest && is_written_[first_[i]]) continue;
    if (member.when != code_none && truth_of(evaluate(member.when, evaluation)) != Truth::yes) continue;
    is_written_[first_[i]] = true;
    const Value value = evaluate(member.value, evaluation);
    if (member.is_rest && value.kind == Kind::object) {
      for (Parts part(value.bytes()); part.next();) {
        if (!known_.contains(part.name())) append_member(line, part.name(), part.value());
      }
    } else if (!member.is_rest && !value.is_missing()) {
      json.clear();
      append_json(json, value);
      append_member(line, names_[i], json);
    }
  }
  line += '}';
  out.end_line(origin);
}

}  // namespace omen
