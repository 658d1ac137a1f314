#include "compiler/known_files.h"

#include <algorithm>
#include <unordered_set>

#include "runtime/model/limits.h"

namespace omen {
namespace {

constexpr size_t changed_files_max = 16;
constexpr size_t changed_bytes_max = 256 * 1024;

bool has_name(std::span<const FileView> files, std::string_view name) {
  return std::ranges::find(files, name, &FileView::name) != files.end();
}

}  // namespace

// Files in their order, of before and after as one list.
struct KnownFiles::Differing {
  struct File {
    const Known* old = nullptr;      // nullptr: it comes
    const FileView* next = nullptr;  // nullptr: it goes
    bool is_changed = false;         // none of the two, and neither is it the same
    ast::File parsed = {};           // of one that comes or changes
    bool is_same() const { return old != nullptr && next != nullptr && !is_changed; }
  };
  std::vector<File> files;
  std::vector<size_t> places;  // of those that are not the same
};

KnownFiles::Known KnownFiles::known(const ast::File& file, std::string_view text) {
  Known known{std::string(text), {}, {}, false, !file.tests.empty()};
  for (const ast::Rule& rule : file.rules) known.rules.push_back(rule.name.text);
  known.declared.lets = file.lets;
  known.declared.patterns = file.patterns;
  known.declared.events = file.events;
  known.declared.destinations = file.destinations;
  known.declared.tables = file.tables;
  known.declares = !file.lets.empty() || !file.patterns.empty() || !file.events.empty() || !file.destinations.empty() ||
                   !file.tables.empty() || !file.mappings.empty();
  return known;
}

void KnownFiles::take(const Sources& sources, const Compilation& compilation) {
  known_.clear();
  nodes_ = compilation.typed.nodes;
  for (size_t i = 0; i < sources.files.size(); ++i) {
    const SourceFile& file = sources.files[i];
    known_[file.name].push_back(known(compilation.files[i], file.text));
  }
}

const KnownFiles::Known* KnownFiles::find(const FileView& file) const {
  const auto named = known_.find(file.name);
  if (named == known_.end()) return nullptr;
  const auto known = std::ranges::find(named->second, file.text, &Known::text);
  return known != named->second.end() ? &*known : nullptr;
}

// False: they are too many, in another order, or not known.
bool KnownFiles::find_differing(std::span<const FileView> before, std::span<const FileView> after,
                                Differing& out) const {
  size_t bytes = 0;
  for (size_t i = 0, k = 0; i < before.size() || k < after.size();) {
    Differing::File& file = out.files.emplace_back();
    const bool are_both = i < before.size() && k < after.size() && before[i].name == after[k].name;
    const bool goes = !are_both && i < before.size() && !has_name(after, before[i].name);
    const bool comes = !are_both && !goes && k < after.size() && !has_name(before, after[k].name);
    if (!are_both && !goes && !comes) return false;
    if (are_both || goes) {
      file.old = find(before[i]);
      if (file.old == nullptr) return false;
    }
    if (are_both || comes) file.next = &after[k];
    file.is_changed = are_both && before[i].text != after[k].text;
    i += are_both || goes ? 1 : 0;
    k += are_both || comes ? 1 : 0;
    if (file.is_same()) continue;
    out.places.push_back(out.files.size() - 1);
    bytes += file.next != nullptr ? file.next->text.size() : 0;
    if (out.places.size() > changed_files_max || bytes > changed_bytes_max) return false;
  }
  return true;
}

// False: a file that is not the same declares something, or has mistakes.
bool KnownFiles::parse_changed(Differing& differing) {
  Diagnostics diagnostics;
  for (const size_t place : differing.places) {
    Differing::File& file = differing.files[place];
    if (file.old != nullptr && file.old->declares) return false;
    if (file.next == nullptr) continue;
    Sources source;
    source.files.push_back({std::string(file.next->name), std::string(file.next->text)});
    file.parsed = parse(source, 0, diagnostics);
    if (diagnostics.has_errors() || known(file.parsed, {}).declares) return false;
  }
  return true;
}

// A file's rules come in the places of those that it had; those that it has more can only stand behind all others.
bool KnownFiles::place_rules(const Differing& differing, Change& change) const {
  std::unordered_set<std::string_view> names;
  size_t rules = 0;
  bool has_tests = false, has_behind = false;
  for (const size_t place : differing.places) {
    for (const ast::Rule& rule : differing.files[place].parsed.rules) {
      if (!names.insert(rule.name.text).second) return false;
    }
  }
  for (const Differing::File& file : differing.files) {
    static const std::vector<std::string> none;
    const std::vector<std::string>& old = file.old != nullptr ? file.old->rules : none;
    has_tests |= (file.old != nullptr && file.old->has_tests) || !file.parsed.tests.empty();
    const size_t count = file.is_same() ? old.size() : file.parsed.rules.size();
    rules += count;
    if (has_behind && !old.empty() && count > 0) return false;
    if (file.is_same()) {
      if (std::ranges::any_of(old, [&](const std::string& name) { return names.contains(name); })) return false;
      continue;
    }
    for (size_t i = 0; i < count; ++i) {
      change.files.emplace_back(file.next->name);
      change.replaced.push_back(i < old.size() ? old[i] : std::string());
    }
    has_behind |= count > old.size();
    if (count < old.size())
      change.gone.insert(change.gone.end(), old.begin() + static_cast<std::ptrdiff_t>(count), old.end());
  }
  const bool only_comes = change.gone.empty() && std::ranges::all_of(change.replaced, &std::string::empty);
  return rules <= rules_max && (only_comes || !has_tests);
}

std::optional<Program> KnownFiles::compile_rules(Differing& differing) {
  std::vector<ast::File> files;
  for (Differing::File& file : differing.files) {
    if (file.is_same() && file.old->declares) files.push_back(file.old->declared);
    if (!file.is_same() && file.next != nullptr) files.push_back(std::move(file.parsed));
  }
  Diagnostics diagnostics;
  const OptimizeOptions options;
  const TypedProgram typed = resolve(files, options, diagnostics);
  if (diagnostics.has_errors() || typed.nodes > expression_nodes_max - std::min(nodes_, expression_nodes_max)) {
    return std::nullopt;
  }
  check(typed, diagnostics);
  Program program = emit(typed, options, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  OMEN_ASSERT(program.verify().is_ok());
  if (program.code.lookups.empty()) program.tables.clear();
  nodes_ += typed.nodes;
  return program;
}

std::optional<KnownFiles::Change> KnownFiles::compile_change(std::span<const FileView> before,
                                                             std::span<const FileView> after) {
  Differing differing;
  Change change;
  if (!find_differing(before, after, differing) || !parse_changed(differing) || !place_rules(differing, change)) {
    return std::nullopt;
  }
  std::vector<std::pair<const FileView*, Known>> more;
  for (const size_t place : differing.places) {
    const Differing::File& file = differing.files[place];
    if (file.next != nullptr) more.emplace_back(file.next, known(file.parsed, file.next->text));
  }
  auto program = compile_rules(differing);
  if (!program) return std::nullopt;
  change.program = std::move(*program);
  // Whether the change comes into force is not known: what its files were stays beside it until they change again.
  for (auto& [file, known] : more) {
    std::vector<Known>& all = known_[std::string(file->name)];
    const auto was = std::ranges::find(before, file->name, &FileView::name);
    std::erase_if(all, [&](const Known& one) { return was == before.end() || one.text != was->text; });
    all.push_back(std::move(known));
  }
  return change;
}

}  // namespace omen
