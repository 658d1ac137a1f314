#include "runtime/core/rule_shape.h"

#include <openssl/evp.h>

#include <cstring>
#include <string>

namespace omen {
namespace {

// Numbers of the program (types, predicates, code) are left out: they change with other rules.
class Shape {
 public:
  Shape(const RuleProgram& rule, bool is_counted) {
    add(static_cast<uint64_t>(rule.machine));
    add(is_counted ? 1 : 0);
    add(static_cast<uint64_t>(rule.overlap));
    add(rule.routes.size());
    add(rule.routes[0].key.size());
    add(rule.steps.size());
    for (const StepProgram& step : rule.steps) add(step.route);
    add(rule.registers);
    add(rule.bars_register);
    add(rule.strict_bars);
    add(rule.within_us);
    add_all(rule.initial);
    add_all(rule.leading);
    add_all(rule.unless);
    add_all(rule.states);
    add(rule.measures ? 1 : 0);
    if (rule.measures) add_measures(*rule.measures);
  }
  uint64_t hash() const {
    unsigned char digest[EVP_MAX_MD_SIZE];
    OMEN_ASSERT(EVP_Digest(bytes_.data(), bytes_.size(), digest, nullptr, EVP_sha256(), nullptr) == 1);
    uint64_t hash = 0;
    std::memcpy(&hash, digest, sizeof(hash));
    return hash;
  }

 private:
  template <typename T>
  void add(T value) {
    bytes_ += std::to_string(value);
    bytes_ += ' ';
  }
  template <typename T>
  void add_all(const std::vector<T>& all) {
    add(all.size());
    for (const T& one : all) add(one);
  }
  void add(const AbsenceProgram& absence) {
    add_all(absence.steps);
    add(absence.for_us);
    add(absence.ends_with_within);
    add(absence.bar);
  }
  void add(const Break& closing) {
    add(closing.step);
    add(closing.to);
    add(closing.bar);
  }
  void add(const Guard& guard) {
    add(guard.anchor);
    add(guard.min_us);
    add(guard.max_us);
  }
  void add(const std::pair<uint8_t, uint8_t>& copy) {
    add(copy.first);
    add(copy.second);
  }
  void add(const Transition& way) {
    add(way.step);
    add_all(way.guards);
    add_all(way.copies);
    add_all(way.marks);
    add_all(way.targets);
    add(way.slot);
    add(way.loop);
    add(way.opens);
    add(way.decides);
    add_all(way.branches);
    add(way.can_repeat);
    add(way.barred_by);
    add(way.lifts);
    add(way.lowers);
    add(way.for_received);
    add(way.for_derived);
  }
  void add(const State& state) {
    add_all(state.transitions);
    add_all(state.absences);
    add_all(state.breaks);
    add(state.on_pass);
    add(state.strict);
    add(state.accepts);
    add(state.waits);
    add(state.ends_with_within);
    add(state.wait_us);
    add(state.pending);
    add(state.wait_bars);
    add(state.fatal_bars);
  }
  void add_measures(const Measures& measures) {
    add(measures.series.size());
    for (const SeriesProgram& series : measures.series) {
      add(series.step);
      add(static_cast<uint64_t>(series.keeps));
      add(static_cast<uint64_t>(series.takes));
      add(series.span_us);
    }
    add(measures.windows.size());
    for (const WindowProgram& window : measures.windows) {
      add(window.series);
      add(window.over_us);
      add(window.ago_us);
    }
    add(measures.pane_us);
    add(measures.every_us);
    add(measures.for_us);
  }

  std::string bytes_;
};

}  // namespace

uint64_t shape_of(const RuleProgram& rule, bool is_counted) { return Shape(rule, is_counted).hash(); }

}  // namespace omen
