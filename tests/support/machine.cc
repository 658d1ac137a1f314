#include "tests/support/machine.h"

#include <algorithm>

#include "cli/virtual_run.h"
#include "tests/support/reference_measure.h"

namespace omen::reference {

namespace {

Json placed(Json event, int place) {
  event.members.emplace_back("place", Json::of_integer(place));
  return event;
}

}  // namespace

std::vector<Alert> run_machine(const Program& program, const std::vector<StreamItem>& stream, const Limits& limits) {
  VirtualRun run(program, limits);
  int number = 0;
  for (const StreamItem& item : stream) {
    if (!item.event) {
      run.advance(item.time_us);
      continue;
    }
    Status status = run.feed(placed(*item.event, number++).print());
    OMEN_ASSERT(status.is_ok());
  }
  std::vector<Alert> out;
  for (const VirtualAlert& alert : run.alerts()) {
    Json record = parse_json(alert.record);
    Alert converted{program.rules[alert.rule].name, {}, alert.start_us, alert.end_us, {}};
    if (const Json* key = record.find("key")) {
      for (const auto& [name, value] : key->members) converted.key.push_back(value.text);
    }
    for (const auto& [name, events] : record.find("bindings")->members) {
      std::vector<int> places;
      for (const Json& event : events.items) {
        const Json* place = event.find("place");
        places.push_back(place != nullptr ? static_cast<int>(place->integer) : -1);
      }
      converted.bindings.emplace_back(name, std::move(places));
    }
    if (const Json* measures = record.find("measures")) {
      for (const auto& [name, value] : measures->members) converted.measures.emplace_back(name, value.print());
    }
    converted.resolved = record.find("resolved") != nullptr;
    out.push_back(std::move(converted));
  }
  return out;
}

std::vector<Alert> run_reference(const std::vector<ast::File>& files, const std::vector<StreamItem>& stream,
                                 const Limits& limits) {
  Reference reference(files, limits.max_runs, limits.max_matches);
  int number = 0;
  for (const StreamItem& item : stream) {
    if (item.event) {
      reference.feed(item.time_us, placed(*item.event, number++));
    } else {
      reference.advance(item.time_us);
    }
  }
  return reference.alerts();
}

uint64_t count_machine(const Program& program, const std::vector<StreamItem>& stream, const Limits& limits) {
  Engine engine(program, limits, true);
  Decoder decoder(program);
  int64_t clock_us = 0;
  uint64_t sequence = 0;
  for (const StreamItem& item : stream) {
    clock_us = std::max(clock_us, item.time_us);
    if (!item.event) {
      engine.advance(clock_us);
      continue;
    }
    std::string slice = item.event->print() + "\n";
    const size_t size = slice.size();
    slice.append(slice_padding, '\0');
    decoder.open(std::string_view(slice).substr(0, size), {}, 0);
    for (Decoder::Batch batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
      for (omen::Event event : batch.events) {
        event.time_us = clock_us;
        event.sequence = ++sequence;
        engine.step(event);
      }
    }
    engine.clear_matches();
  }
  return engine.rule_counters()[0].raised;
}

std::vector<Alert> run_measure_reference(const std::vector<ast::File>& files, const std::vector<StreamItem>& stream) {
  MeasureReference reference(files);
  for (const StreamItem& item : stream) {
    if (item.event) {
      reference.feed(item.time_us, *item.event);
    } else {
      reference.advance(item.time_us);
    }
  }
  return reference.alerts();
}

Comparison compare(const Case& one, const OptimizeOptions& options) {
  Limits limits;
  limits.max_runs = 1'000'000;  // under `overlap all` the machine forks, the reference does not
  limits.max_matches = one.max_matches;
  Comparison result;
  Sources sources;
  sources.files.push_back({"case.omen", one.rules_text()});
  Compilation compilation = compile(sources, options);
  if (!compilation.program) {
    result.verdict = Comparison::Verdict::not_compiled;
    for (const Diagnostic& diagnostic : compilation.diagnostics.items) {
      if (diagnostic.severity != Severity::error) continue;
      if (result.code.empty()) result.code = diagnostic.code + " " + diagnostic.message;
      result.detail += render_text(diagnostic, sources, false);
    }
    return result;
  }
  std::vector<Alert> expected;
  try {
    expected = run_reference(compilation.files, one.stream, limits);
  } catch (const Unsupported& reason) {
    result.verdict = Comparison::Verdict::unsupported;
    result.detail = reason.what();
    return result;
  }
  std::vector<Alert> actual = run_machine(*compilation.program, one.stream, limits);
  result.alerts = expected.size();
  auto same = [](const Alert& a, const Alert& b) { return a.print() == b.print(); };
  result.is_shared = compilation.program->rules[0].machine == Machine::forest;
  if (std::equal(expected.begin(), expected.end(), actual.begin(), actual.end(), same)) {
    if (!one.readers.empty() || one.rule.overlaps != std::vector<std::string>{"all"}) return result;
    limits.max_matches = UINT32_MAX;
    const uint64_t all = run_machine(*compilation.program, one.stream, limits).size();
    const uint64_t counted = count_machine(*compilation.program, one.stream, limits);
    if (counted == all) return result;
    result.detail = "raised " + std::to_string(all) + ", counted " + std::to_string(counted) + "\n";
  }
  result.verdict = Comparison::Verdict::different;
  result.detail += "reference:\n";
  for (const Alert& alert : expected) result.detail += "  " + alert.print() + "\n";
  result.detail += "machine:\n";
  for (const Alert& alert : actual) result.detail += "  " + alert.print() + "\n";
  return result;
}

}  // namespace omen::reference
