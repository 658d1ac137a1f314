// omen repair: shows what is damaged in a data folder, and mends it when told to.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "runtime/io/clock.h"
#include "runtime/log/data_folder.h"
#include "runtime/log/repair.h"

namespace omen::cli {
namespace {

struct Options {
  std::string data;
  bool is_sure = false, as_json = false;
};

int complain(const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen repair: %s\n", shown(problem).c_str());
  return exit_code;
}

// What is wrong with a data folder.
struct Findings {
  LogCheck check;
  SnapshotList snapshots;
  uint64_t through = 0;  // what W and the snapshots rely on

  bool is_short() const { return check.end <= through; }
  bool any() const {
    return is_short() || !snapshots.damaged.empty() ||
           std::any_of(check.damages.begin(), check.damages.end(), [](const Damage& one) { return !one.is_torn; });
  }
};

Status look(const std::string& data, Findings& findings) {
  if (auto checked = check_log(real_disk(), log_folder(data), 0, findings.check); !checked) return checked;
  auto snapshots = read_snapshots(data);
  if (!snapshots) return Status::error(snapshots.message());
  findings.snapshots = std::move(snapshots.value());
  const auto watermark = read_watermark(data);
  if (!watermark) return Status::error(watermark.message());
  findings.through = watermark.value().value_or(0);
  if (!findings.snapshots.intact.empty()) {
    findings.through = std::max(findings.through, findings.snapshots.intact.back());
  }
  return Status::ok();
}

std::string findings_text(const Findings& findings) {
  std::string out = "log: " + contents_text(findings.check) + "\n";
  for (const Damage& damage : findings.check.damages) {
    out += fmt::format("{}: {}\n", damage.is_torn && !findings.is_short() ? "the next start cuts" : "damaged",
                       damage_text(damage));
  }
  if (findings.is_short()) {
    out += fmt::format("damaged: the log ends with sequence {}, state.db or a snapshot has seen {}\n",
                       findings.check.end - 1, findings.through);
  }
  for (size_t i = 0; i < findings.snapshots.damaged.size(); ++i) {
    out += fmt::format("damaged: {} {}\n", findings.snapshots.damaged[i], findings.snapshots.problems[i]);
  }
  return out;
}

// Puts damaged snapshots aside, so that they do not count as one of the two that are kept.
Status set_aside(const std::string& data, const std::vector<std::string>& names) {
  const std::string folder = snapshot_folder(data);
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    const auto renamed = real_disk().rename(path, path + ".damaged");
    if (!renamed) return renamed.status("rename", path);
  }
  return names.empty() ? Status::ok() : real_disk().sync_folder(folder).status("sync the folder", folder);
}

std::string mended_text(const std::vector<Mended>& mended) {
  std::string out;
  for (const Mended& one : mended) {
    out += fmt::format("mended: {}", one.file);
    if (one.end > one.begin) out += fmt::format(": bytes {}..{} are now in {}", one.begin, one.end, one.kept);
    if (one.end_lost > one.first_lost) {
      out += fmt::format("{} sequences {}..{} are marked lost", one.end > one.begin ? ";" : ":", one.first_lost,
                         one.end_lost - 1);
    }
    out += '\n';
  }
  return out;
}

void append_mended(std::string& out, const std::vector<Mended>& mended) {
  out += '[';
  for (const Mended& one : mended) {
    if (&one != &mended.front()) out += ',';
    out += "{\"file\":";
    append_text(out, one.file);
    out += ",\"kept\":";
    append_text(out, one.kept);
    fmt::format_to(std::back_inserter(out), ",\"begin\":{},\"end\":{},\"first_lost\":{},\"lost\":{}}}", one.begin,
                   one.end, one.first_lost, one.end_lost - one.first_lost);
  }
  out += ']';
}

std::string report_json(const Findings& findings, const std::vector<Mended>& mended) {
  std::string out =
      fmt::format("{{\"last\":{},\"relied_on\":{},\"damages\":", findings.check.end - 1, findings.through);
  append_damages(out, findings.check.damages);
  out += ",\"damaged_snapshots\":[";
  for (const std::string& name : findings.snapshots.damaged) {
    if (&name != &findings.snapshots.damaged.front()) out += ',';
    append_text(out, name);
  }
  out += "],\"mended\":";
  append_mended(out, mended);
  return out + "}\n";
}

int repair(const Options& options) {
  if (auto format = check_format(real_disk(), options.data); !format) return complain(format.message(), exit_usage);
  const auto lock = FolderLock::take(options.data);
  if (!lock) return complain(lock.message(), exit_usage);
  Findings findings;
  if (auto looked = look(options.data, findings); !looked) return complain(looked.message(), exit_input);
  if (!options.as_json) std::fputs(findings_text(findings).c_str(), stdout);
  std::vector<Mended> mended;
  if (findings.any() && options.is_sure) {
    auto done = repair_log(real_disk(), log_folder(options.data), findings.through, wall_clock_us());
    if (!done) return complain(done.message(), exit_output);
    mended = std::move(done.value());
    if (auto aside = set_aside(options.data, findings.snapshots.damaged); !aside) {
      return complain(aside.message(), exit_output);
    }
  }
  if (options.as_json) {
    std::fputs(report_json(findings, mended).c_str(), stdout);
  } else if (!findings.any()) {
    std::puts("nothing to repair");
  } else if (options.is_sure) {
    std::fputs(mended_text(mended).c_str(), stdout);
    for (const std::string& name : findings.snapshots.damaged) {
      std::printf("put aside: %s is now %s.damaged\n", name.c_str(), name.c_str());
    }
  } else {
    std::puts(
        "--yes keeps the damaged bytes in files beside them and marks as lost the sequences that they had.\n"
        "A copy of the folder from before is better than that.");
  }
  return findings.any() && !options.is_sure ? exit_failed : exit_ok;
}

}  // namespace

void add_repair(Command app, int& exit_code) {
  Command verb = app.add_subcommand("repair", "Show what is damaged in a data folder, and mend it with --yes");
  verb.footer(
      "Without --yes nothing is changed. With it each damaged stretch of the log is kept in a file beside its segment\n"
      "(SEGMENT.damaged-OFFSET), and the sequences that it had are marked lost: the engine starts again and passes "
      "over\n"
      "them. What lost events meant for the state of rules cannot be told: an absence may fire that one of them would\n"
      "have prevented. Damaged snapshots are put aside; the log makes up for them. No engine may be running on DIR.\n\n"
      "Examples:\n"
      "  omen repair /var/lib/omen\n"
      "  omen repair /var/lib/omen --yes\n\n"
      "Exit codes: 0 nothing is damaged, or it was mended; 1 damage, and no --yes; 2 wrong usage, DIR is no data "
      "folder,\n"
      "or an engine uses it; 3 the disk or state.db could not be read; 4 it could not be mended.");
  auto options = std::make_shared<Options>();
  verb.add_option("DIR", options->data, "The data folder").required();
  verb.add_flag("--yes", options->is_sure, "Mend what is damaged");
  verb.add_flag("--json", options->as_json, "Print one JSON object");
  verb.callback([options, &exit_code] { exit_code = repair(*options); });
}

}  // namespace omen::cli
