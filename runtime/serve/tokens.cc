#include "runtime/serve/tokens.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "runtime/model/time.h"

namespace omen {
namespace {

using Hash = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

constexpr std::string_view prefix = "omen_";  // so that people and scanners for leaked secrets know what it is
constexpr size_t id_digits = 8;
constexpr size_t name_bytes_max = 64;

Hash sha256(std::string_view text) {
  Hash hash;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  return hash;
}

std::string hex(const unsigned char* bytes, size_t size) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < size; ++i) {
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
  return out;
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
}

std::optional<Hash> hash_of_hex(std::string_view text) {
  if (text.size() != 2 * SHA256_DIGEST_LENGTH || !is_hex(text)) return std::nullopt;
  Hash hash;
  for (size_t i = 0; i < hash.size(); ++i) {
    hash[i] = static_cast<unsigned char>(std::stoi(std::string(text.substr(2 * i, 2)), nullptr, 16));
  }
  return hash;
}

std::string problem(const std::string& path, const char* what) {
  return path + ": " + what + ": " + std::strerror(errno);
}

// Two states of a file that differ in nothing of this are one: a change within a tick of the clock has another inode.
std::array<int64_t, 3> state_of(const std::string& path) {
  struct stat now = {};
  if (stat(path.c_str(), &now) != 0) return {};
  return {static_cast<int64_t>(now.st_ino), now.st_size, now.st_mtim.tv_sec * 1'000'000'000ll + now.st_mtim.tv_nsec};
}

// Whole or not at all: a new file in the place of the old one.
Status write_tokens(const std::string& path, const std::vector<AccessToken>& tokens) {
  std::string text;
  for (const AccessToken& token : tokens) {
    text += token.id + ' ' + std::string(name_of(token.role)) + ' ' + token.name + ' ' + token.created + ' ' +
            token.hash + '\n';
  }
  const std::string temporary = path + ".new";
  unlink(temporary.c_str());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Status::error(problem(temporary, "cannot be written"));
  const bool is_written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  if (close(fd) != 0 || !is_written || rename(temporary.c_str(), path.c_str()) != 0) {
    Status status = Status::error(problem(path, "cannot be written"));
    unlink(temporary.c_str());
    return status;
  }
  return Status::ok();
}

}  // namespace

std::string sha256_hex(std::string_view text) {
  const Hash hash = sha256(text);
  return hex(hash.data(), hash.size());
}

std::optional<Role> role_named(std::string_view name) {
  for (const Role role : {Role::ingest, Role::read, Role::admin}) {
    if (name == name_of(role)) return role;
  }
  return std::nullopt;
}

Result<std::vector<AccessToken>> read_tokens(const std::string& path) {
  std::vector<AccessToken> tokens;
  std::ifstream file(path);
  if (!file) {
    if (errno == ENOENT) return tokens;
    return Status::error(problem(path, "cannot be read"));
  }
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    AccessToken token;
    std::string role, more;
    words >> token.id >> role >> token.name >> token.created >> token.hash;
    const auto known = role_named(role);
    if (words.fail() || words >> more || !known || !is_name(token.name) || !hash_of_hex(token.hash) ||
        token.id != token.hash.substr(0, id_digits) || tokens.size() == tokens_max) {
      return Status::error(
          path + ":" + std::to_string(number) +
          ": this is no token; a line is `ID ROLE NAME CREATED SHA256`, as `omen token new` writes it");
    }
    token.role = *known;
    tokens.push_back(std::move(token));
  }
  if (file.bad()) return Status::error(problem(path, "cannot be read"));
  return tokens;
}

Result<std::string> add_token(const std::string& path, std::string_view name, Role role, int64_t now_us) {
  if (!is_name(name)) {
    return Status::error("a token's name has 1 to 64 letters, digits, dashes, underscores and dots");
  }
  auto tokens = read_tokens(path);
  if (!tokens) return Status::error(tokens.message());
  const auto count = std::count_if(tokens.value().begin(), tokens.value().end(),
                                   [&](const AccessToken& token) { return token.name == name; });
  if (static_cast<size_t>(count) >= tokens_per_name_max) {
    return Status::error("`" + std::string(name) + "` has two tokens already: revoke one of them first");
  }
  if (tokens.value().size() == tokens_max) return Status::error(path + " has 1,000 tokens: revoke some first");
  std::array<unsigned char, 32> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return Status::error("the system gives no random numbers");
  }
  std::string text = std::string(prefix) + hex(bytes.data(), bytes.size());
  AccessToken token;
  token.hash = sha256_hex(text);
  token.id = token.hash.substr(0, id_digits);
  token.role = role;
  token.name = name;
  append_rfc3339(token.created, now_us - now_us % us_per_second);
  tokens.value().push_back(std::move(token));
  if (Status status = write_tokens(path, tokens.value()); !status) return status;
  return text;
}

Status revoke_token(const std::string& path, std::string_view id) {
  auto tokens = read_tokens(path);
  if (!tokens) return Status::error(tokens.message());
  if (std::erase_if(tokens.value(), [&](const AccessToken& token) { return token.id == id; }) == 0) {
    return Status::error("there is no token `" + std::string(id) + "`; `omen token list` shows those that there are");
  }
  return write_tokens(path, tokens.value());
}

Status TokenStore::load(const std::string& path) {
  const std::lock_guard lock(mutex_);
  path_ = path;
  return read(path);
}

Status TokenStore::refresh() {
  const std::lock_guard lock(mutex_);
  return path_.empty() || state_of(path_) == state_ ? Status::ok() : read(path_);
}

Status TokenStore::read(const std::string& path) {
  state_ = state_of(path);
  const auto tokens = read_tokens(path);
  if (!tokens) return Status::error(tokens.message());
  known_.clear();
  for (const AccessToken& token : tokens.value()) known_.push_back({*hash_of_hex(token.hash), token.role});
  return Status::ok();
}

std::optional<Role> TokenStore::role_of(std::string_view presented) const {
  const Hash hash = sha256(presented);
  const std::lock_guard lock(mutex_);
  std::optional<Role> role;
  for (const Known& known : known_) {
    if (CRYPTO_memcmp(known.hash.data(), hash.data(), hash.size()) == 0) role = known.role;
  }
  return role;
}

bool TokenStore::is_empty() const {
  const std::lock_guard lock(mutex_);
  return known_.empty();
}

}  // namespace omen
