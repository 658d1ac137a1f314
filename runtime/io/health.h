// Health: how often events did not keep to their declarations, by type, field and problem; and the names of types that
// are not declared.
//
// Of undeclared types, undeclared_names_max names are kept, the first ones seen; events of further types are counted
// together.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/validate.h"
#include "runtime/model/event.h"
#include "runtime/model/program.h"

namespace omen {

class Health {
 public:
  // The program must outlive it.
  explicit Health(const Program& program);

  // An event that does not keep to its declaration, and what is wrong with it.
  void add(const Event& event, std::span<const Violation> violations);

  struct Broken {
    const Schema* schema = nullptr;
    uint64_t events = 0;
    std::vector<std::array<uint64_t, problem_names.size()>> problems;  // by field of the schema
  };
  const std::vector<Broken>& types() const { return types_; }  // as Program::schemas
  const std::string& name(const Broken& broken) const { return program_.types[broken.schema->type].name; }
  const std::map<std::string, uint64_t, std::less<>>& undeclared() const { return undeclared_; }
  uint64_t undeclared_events() const { return undeclared_events_; }

 private:
  const Program& program_;
  std::vector<Broken> types_;
  std::map<std::string, uint64_t, std::less<>> undeclared_;
  uint64_t undeclared_events_ = 0;
};

}  // namespace omen
