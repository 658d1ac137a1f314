// omen log: verify, export and prune the event log of a data folder.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "runtime/io/clock.h"
#include "runtime/io/output.h"
#include "runtime/io/stop.h"
#include "runtime/log/data_folder.h"
#include "runtime/log/log.h"
#include "runtime/log/reader.h"
#include "runtime/model/time.h"

namespace omen::cli {
namespace {

int complain(const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen log: %s\n", shown(problem).c_str());
  return exit_code;
}

struct VerifyOptions {
  std::string data;
  bool as_json = false;
};

std::string verify_text(const LogCheck& check, const SnapshotList& snapshots) {
  std::string out = "log: " + contents_text(check) + "\n";
  out += fmt::format("snapshots: {} intact", snapshots.intact.size());
  if (!snapshots.intact.empty()) out += fmt::format(", the newest of sequence {}", snapshots.intact.back());
  out += '\n';
  size_t damages = snapshots.damaged.size();
  for (const Damage& damage : check.damages) {
    damages += !damage.is_torn;
    out += fmt::format("{}: {}\n", damage.is_torn ? "the next start cuts" : "damaged", damage_text(damage));
  }
  for (size_t i = 0; i < snapshots.damaged.size(); ++i) {
    out += fmt::format("damaged: {} {}\n", snapshots.damaged[i], snapshots.problems[i]);
  }
  return out + (damages == 0 ? "no damage\n" : plural(damages, "damage") + "; omen repair shows what can be done\n");
}

std::string verify_json(const LogCheck& check, const SnapshotList& snapshots) {
  uint64_t bytes = 0;
  for (const Segment& segment : check.segments) bytes += segment.bytes;
  std::string out = fmt::format(
      "{{\"segments\":{},\"bytes\":{},\"frames\":{},\"records\":{},\"records_lost\":{},\"first\":{},\"last\":{},"
      "\"epoch\":{},"
      "\"ended_cleanly\":{},\"snapshots\":[{}],\"damaged_snapshots\":[",
      check.segments.size(), bytes, check.frames, check.records, check.records_lost, check.first, check.end - 1,
      check.epoch, check.is_sealed && check.damages.empty(), fmt::join(snapshots.intact, ","));
  for (const std::string& name : snapshots.damaged) {
    if (&name != &snapshots.damaged.front()) out += ',';
    append_text(out, name);
  }
  out += "],\"damages\":";
  append_damages(out, check.damages);
  return out + "}\n";
}

int verify(const VerifyOptions& options) {
  if (auto format = check_format(real_disk(), options.data); !format) return complain(format.message(), exit_usage);
  if (const int holder = lock_holder(options.data); holder != 0) {
    std::fprintf(stderr, "omen log: process %d is writing to it: its last frame may be read in part\n", holder);
  }
  LogCheck check;
  if (auto checked = check_log(real_disk(), log_folder(options.data), 0, check); !checked) {
    return complain(checked.message(), exit_input);
  }
  const auto snapshots = read_snapshots(options.data);
  if (!snapshots) return complain(snapshots.message(), exit_input);
  const std::string report =
      options.as_json ? verify_json(check, snapshots.value()) : verify_text(check, snapshots.value());
  std::fputs(report.c_str(), stdout);
  const bool is_damaged =
      std::any_of(check.damages.begin(), check.damages.end(), [](auto& one) { return !one.is_torn; });
  return is_damaged || !snapshots.value().damaged.empty() ? exit_failed : exit_ok;
}

struct ExportOptions {
  std::string data;
  uint64_t from = 0, through = UINT64_MAX;
  bool as_records = false;
};

// {"sequence":2,"epoch":1,"kind":"event","time":"…","event":{…}}
void append_entry(std::string& out, const LogReader::Entry& entry) {
  fmt::format_to(std::back_inserter(out), "{{\"sequence\":{},\"epoch\":{},\"kind\":\"{}\",\"time\":\"", entry.sequence,
                 entry.epoch, name_of(entry.record.kind));
  append_rfc3339(out, entry.record.time_us);
  out += '"';
  if (entry.record.kind == RecordKind::event) {
    out += ",\"event\":";
    out += entry.record.text;
  } else if (!entry.record.text.empty()) {
    out += ",\"text\":";
    append_text(out, entry.record.text);
  }
  out += "}\n";
}

int export_events(const ExportOptions& options) {
  catch_stop_signals();
  if (auto format = check_format(real_disk(), options.data); !format) return complain(format.message(), exit_usage);
  const auto opened = LogReader::open(real_disk(), log_folder(options.data), options.from, options.through);
  if (!opened) return complain(opened.message(), exit_usage);
  LogReader& reader = *opened.value();
  Output output("standard output", STDOUT_FILENO);
  LogReader::Entry entry;
  while (stop_signal() == 0 && !output.is_closed() && reader.next(entry)) {
    if (options.as_records) {
      append_entry(output.buffer(), entry);
    } else if (entry.record.kind == RecordKind::event) {
      output.buffer().append(entry.record.text) += '\n';
    }
    if (auto flushed = output.flush_if_large(); !flushed) return complain(flushed.message(), exit_output);
  }
  if (auto flushed = output.flush(); !flushed) return complain(flushed.message(), exit_output);
  if (!reader.status()) return complain(reader.status().message(), exit_input);
  if (reader.records_lost() > 0) {
    complain(plural(reader.records_lost(), "record") + " marked lost by a repair not there to be exported", exit_ok);
  }
  return stop_signal() != 0 ? 128 + stop_signal() : exit_ok;
}

struct PruneOptions {
  std::string data, age_max;
  uint64_t bytes_max = UINT64_MAX;
  bool as_json = false;
};

// The oldest snapshot that recovery may have to go back to covers what is before it.
Result<uint64_t> covered_by_snapshots(const std::string& data) {
  const auto watermark = read_watermark(data);
  if (!watermark) return Status::error(watermark.message());
  const auto snapshots = read_snapshots(data);
  if (!snapshots) return Status::error(snapshots.message());
  if (snapshots.value().intact.empty()) return uint64_t{0};
  // A process that was killed may have left a name that is not durable yet.
  const std::string folder = snapshot_folder(data);
  if (const auto synced = real_disk().sync_folder(folder); !synced) return synced.status("sync the folder", folder);
  for (const uint64_t sequence : snapshots.value().intact) {
    if (sequence <= watermark.value().value_or(0)) return sequence;
  }
  return uint64_t{0};
}

int prune(const PruneOptions& options) {
  Retention retention;
  retention.bytes_max = options.bytes_max;
  if (!options.age_max.empty()) {
    const auto age = parse_duration(options.age_max);
    if (!age) return complain("--max-age: no duration: " + options.age_max, exit_usage);
    retention.age_us_max = *age;
  }
  if (auto format = check_format(real_disk(), options.data); !format) return complain(format.message(), exit_usage);
  const auto lock = FolderLock::take(options.data);
  if (!lock) return complain(lock.message() + "; a running engine prunes by itself", exit_usage);
  const auto covered = covered_by_snapshots(options.data);
  if (!covered) return complain(covered.message(), exit_input);
  auto log = Log::open(real_disk(), log_folder(options.data), {}, wall_clock_us());
  if (!log) return complain(log.message(), exit_failed);
  const auto pruned = log.value()->prune(covered.value(), retention, wall_clock_us());
  if (!pruned) return complain(pruned.message(), exit_output);
  if (auto sealed = log.value()->seal(wall_clock_us()); !sealed) return complain(sealed.message(), exit_output);
  const Pruned& done = pruned.value();
  if (options.as_json) {
    std::printf("{\"segments\":%llu,\"bytes\":%llu,\"first\":%llu,\"covered\":%llu}\n",
                static_cast<unsigned long long>(done.segments), static_cast<unsigned long long>(done.bytes),
                static_cast<unsigned long long>(done.first), static_cast<unsigned long long>(covered.value()));
  } else {
    std::printf("%s removed, %s; the log begins with sequence %llu, snapshots cover what is up to %llu\n",
                plural(done.segments, "segment").c_str(), plural(done.bytes, "byte").c_str(),
                static_cast<unsigned long long>(done.first), static_cast<unsigned long long>(covered.value()));
  }
  return exit_ok;
}

void add_verify(Command parent, int& exit_code) {
  Command verb = parent.add_subcommand("verify", "Read all of the log and its snapshots and say what is wrong");
  verb.footer(
      "Every frame, its checksum and its place are looked at; nothing is changed. A write that a crash tore at the "
      "end\n"
      "is no damage: it was never acknowledged, and the next start cuts it.\n\n"
      "Examples:\n"
      "  omen log verify /var/lib/omen\n"
      "  omen log verify /var/lib/omen --json\n\n"
      "Exit codes: 0 no damage; 1 damage, each place named; 2 wrong usage, or DIR is no data folder; 3 the disk could\n"
      "not be read.");
  auto options = std::make_shared<VerifyOptions>();
  verb.add_option("DIR", options->data, "The data folder").required();
  verb.add_flag("--json", options->as_json, "Print one JSON object");
  verb.callback([options, &exit_code] { exit_code = verify(*options); });
}

void add_export(Command parent, int& exit_code) {
  Command verb = parent.add_subcommand("export", "Write the events of the log to standard output, a line each");
  verb.footer(
      "Events come in Omen's own form, in the order in which they were accepted: omen run and omen backtest read "
      "them.\n"
      "An engine may be running meanwhile.\n\n"
      "Examples:\n"
      "  omen log export /var/lib/omen | omen backtest rules/ --events -\n"
      "  omen log export /var/lib/omen --from 1000000 --records | zstd > log.ndjson.zst\n\n"
      "Exit codes: 0 done; 2 wrong usage, DIR is no data folder, or FROM is not there any more; 3 the log is damaged: "
      "what\n"
      "is before that place has been written; 4 the output could not be written; 130 or 143 stopped by a signal.");
  auto options = std::make_shared<ExportOptions>();
  verb.add_option("DIR", options->data, "The data folder").required();
  verb.add_option("--from", options->from, "The first sequence; without it the oldest that is there").type_name("N");
  verb.add_option("--through", options->through, "The last sequence; without it the newest").type_name("N");
  verb.add_flag("--records", options->as_records,
                "Every record with its sequence, epoch, kind and time: ticks, rules and options, too");
  verb.callback([options, &exit_code] { exit_code = export_events(*options); });
}

void add_prune(Command parent, int& exit_code) {
  Command verb = parent.add_subcommand("prune", "Remove the oldest segments of the log that snapshots cover");
  verb.footer(
      "Whole segments go, the oldest first, while the log is larger than --max-bytes or their events are older than\n"
      "--max-age; never what the older of the kept snapshots does not cover. No engine may be running on DIR: a "
      "running\n"
      "one prunes by itself.\n\n"
      "Examples:\n"
      "  omen log prune /var/lib/omen --max-bytes 10GB\n"
      "  omen log prune /var/lib/omen --max-age 30d\n\n"
      "Exit codes: 0 done, also when nothing was to be removed; 1 the log is damaged; 2 wrong usage, DIR is no data\n"
      "folder, or an engine uses it; 3 snapshots or state.db could not be read; 4 a file could not be removed.");
  auto options = std::make_shared<PruneOptions>();
  verb.add_option("DIR", options->data, "The data folder").required();
  const CommandOption bytes =
      verb.add_option("--max-bytes", options->bytes_max, "Keep at most this much: a number, or 500MB, 10GB").as_size();
  const CommandOption age =
      verb.add_option("--max-age", options->age_max, "Keep events of this time").type_name("DURATION");
  verb.add_flag("--json", options->as_json, "Print one JSON object");
  verb.callback([options, bytes, age, &exit_code] {
    exit_code = bytes.count() + age.count() > 0 ? prune(*options)
                                                : complain("prune: say --max-bytes, --max-age or both", exit_usage);
  });
}

}  // namespace

void add_log(Command app, int& exit_code) {
  Command verb = app.add_subcommand("log", "Verify, export or prune the event log of a data folder");
  verb.require_subcommand();
  add_verify(verb, exit_code);
  add_export(verb, exit_code);
  add_prune(verb, exit_code);
}

}  // namespace omen::cli
