// omen quarantine: what a service has rejected: look at it, feed it again, be done with it.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/print.h"
#include "cli/quarantine_entries.h"
#include "cli/verbs.h"
#include "runtime/io/clock.h"
#include "runtime/model/time.h"

namespace omen::cli {
namespace {

constexpr size_t piece_entries = 1'000;  // fed at once
constexpr size_t shown_bytes = 100;      // of an entry in a list

struct Options {
  std::string data = "omen-data";
  std::string since;
  QuarantineFilter filter;
  uint64_t limit = 100;
  bool is_json = false, is_all = false;
};

int complain(const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen quarantine: %s\n", shown(problem).c_str());
  return exit_code;
}

Result<std::vector<QuarantineEntry>> entries_of(Options& options) {
  if (!options.since.empty()) {
    auto since_us = parse_rfc3339(options.since);
    if (const auto ago_us = parse_duration(options.since); !since_us && ago_us) since_us = wall_clock_us() - *ago_us;
    if (!since_us) return Status::error("--since: a time such as 2026-01-05T10:00:00Z, or a duration such as 2h");
    options.filter.since.clear();
    append_rfc3339(options.filter.since, *since_us);
  }
  return read_quarantine(options.data + "/quarantine.ndjson", options.filter);
}

int list(Options& options) {
  const auto entries = entries_of(options);
  if (!entries) return complain(entries.message(), exit_usage);
  const size_t count = entries.value().size();
  const size_t first = count > options.limit ? count - options.limit : 0;
  std::map<std::string, uint64_t> by_reason;
  for (size_t i = 0; i < count; ++i) {
    const QuarantineEntry& entry = entries.value()[i];
    ++by_reason[entry.reason];
    if (i < first) continue;
    if (options.is_json) {
      std::printf("{\"id\":\"%s\",%s\n", entry.id.c_str(), entry.line.c_str() + 1);
      continue;
    }
    const std::string bytes = shown(entry.bytes.substr(0, shown_bytes));
    std::printf("%s  %-27s  %-16s  %-20s  %s%s\n", entry.id.c_str(), entry.at.c_str(), shown(entry.reason).c_str(),
                shown(entry.input).c_str(), bytes.c_str(), entry.bytes.size() > shown_bytes ? "…" : "");
  }
  std::string reasons;
  for (const auto& [reason, number] : by_reason) {
    reasons += fmt::format("{}{} {}", reasons.empty() ? ": " : ", ", grouped(number), shown(reason));
  }
  std::fprintf(stderr, "%s%s%s\n", count == 1 ? "1 entry" : (grouped(count) + " entries").c_str(), reasons.c_str(),
               first > 0 ? fmt::format("; the newest {} are shown", options.limit).c_str() : "");
  return exit_ok;
}

int show(Options& options) {
  const auto entries = entries_of(options);
  if (!entries) return complain(entries.message(), exit_usage);
  if (entries.value().empty()) return complain("nothing there begins with `" + options.filter.id + "`", exit_failed);
  for (const QuarantineEntry& entry : entries.value()) {
    std::printf("{\"id\":\"%s\",%s\n", entry.id.c_str(), entry.line.c_str() + 1);
  }
  return exit_ok;
}

Status be_done(const Options& options, const std::string& ids) {
  if (ids.empty()) return Status::ok();
  const auto reply = call_service(options.data, "POST", "/v1/quarantine/done", ids);
  if (!reply) return Status::error(reply.message());
  return reply.value().status == 200 ? Status::ok() : Status::error(reply.value().body);
}

int drop(Options& options) {
  const auto entries = entries_of(options);
  if (!entries) return complain(entries.message(), exit_usage);
  std::string ids;
  for (const QuarantineEntry& entry : entries.value()) ids += entry.id + '\n';
  if (Status done = be_done(options, ids); !done) return complain(done.message(), exit_input);
  std::printf("%s dropped\n",
              entries.value().size() == 1 ? "1 entry" : (grouped(entries.value().size()) + " entries").c_str());
  return exit_ok;
}

// What is rejected again has come into the quarantine anew by then: the old entries go.
int retry(Options& options) {
  const auto entries = entries_of(options);
  if (!entries) return complain(entries.message(), exit_usage);
  uint64_t fed = 0, left = 0;
  std::string lines, ids;
  size_t count = 0;
  const auto feed = [&]() -> Status {
    if (count == 0) return Status::ok();
    const auto reply = call_service(options.data, "POST", "/v1/events", lines);
    if (!reply) return Status::error(reply.message());
    const int status = reply.value().status;
    if (status != 200 && status != 207 && status != 400) return Status::error(reply.value().body);
    fed += count;
    if (Status done = be_done(options, ids); !done) return done;
    lines.clear();
    ids.clear();
    count = 0;
    return Status::ok();
  };
  for (const QuarantineEntry& entry : entries.value()) {
    if (!entry.can_be_retried) {
      ++left;
      continue;
    }
    lines += entry.bytes + '\n';
    ids += entry.id + '\n';
    if (++count < piece_entries) continue;
    if (Status done = feed(); !done) return complain(done.message(), exit_input);
  }
  if (Status done = feed(); !done) return complain(done.message(), exit_input);
  const auto again = entries_of(options);
  const uint64_t now = again ? again.value().size() : 0;
  std::printf("%s fed again; %s in quarantine now\n", grouped(fed).c_str(), grouped(now).c_str());
  if (left > 0) std::printf("%s left as they are: not whole, or matched already\n", grouped(left).c_str());
  return exit_ok;
}

}  // namespace

void add_quarantine(Command app, int& exit_code) {
  auto options = std::make_shared<Options>();
  Command verb = app.add_subcommand("quarantine", "What a service has rejected, and why");
  verb.require_subcommand();
  verb.footer(
      "list and show read the files of the data folder; retry and drop need the running service. retry feeds what was\n"
      "rejected as lines of events, in their order: what is rejected again comes in as a new entry. A retry that is "
      "cut\n"
      "off may feed lines twice, which --dedupe makes one.\n\n"
      "Examples:\n  omen quarantine list --reason schema_violation --since 2h\n"
      "  omen quarantine show 3f2a\n  omen quarantine retry --reason undeclared_type\n"
      "  omen quarantine drop --all\n\n"
      "Exit codes: 0 done; 1 there is no such entry; 2 wrong usage; 3 no service listens there, or it refused.");
  const auto add = [&](const char* name, const char* what) {
    Command sub = verb.add_subcommand(name, what);
    add_data_option(sub, options->data);
    return sub;
  };
  const auto add_filter = [&](Command sub) {
    sub.add_option("--reason", options->filter.reason, "Only those rejected for this reason");
    sub.add_option("--since", options->since, "Only those rejected since this time, or within this duration");
  };
  Command list_verb = add("list", "Entries, the newest last");
  add_filter(list_verb);
  list_verb.add_option("--limit", options->limit, "At most so many, the newest").capture_default_str();
  list_verb.add_flag("--json", options->is_json, "Whole entries, a JSON object a line");
  list_verb.callback([&exit_code, options] { exit_code = list(*options); });
  Command show_verb = add("show", "Whole entries");
  show_verb.add_option("ID", options->filter.id, "Its id, or how it begins").required();
  show_verb.callback([&exit_code, options] { exit_code = show(*options); });
  for (const bool is_retry : {true, false}) {
    Command sub = is_retry ? add("retry", "Feed entries again") : add("drop", "Be done with entries");
    const CommandOption id = sub.add_option("ID", options->filter.id, "Its id, or how it begins");
    add_filter(sub);
    const CommandOption all = sub.add_flag("--all", options->is_all, "All that the other options leave");
    sub.callback([&exit_code, options, id, all, sub, is_retry] {
      const bool says_which = id.count() + all.count() + sub.count("--reason") + sub.count("--since") > 0;
      exit_code = !says_which ? complain("say which: an ID, --reason, --since or --all", exit_usage)
                  : is_retry  ? retry(*options)
                              : drop(*options);
    });
  }
}

}  // namespace omen::cli
