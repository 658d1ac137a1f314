// Tokens: who may do what. 32 random bytes each, of which only the SHA-256 is kept; a role each.
//
// The file has one token a line, `ID ROLE NAME CREATED SHA256`, and is written by `omen token` (mode 0600, whole or not
// at all). A name has at most two tokens, so that one can be exchanged while the other is still in use.
//
// What is presented is hashed and compared with every token that there is, each in constant time, so that the time it
// takes tells nothing. The file is looked at again when it has changed: what is revoked is refused from then on.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/status.h"

namespace omen {

enum class Role : uint8_t {
  unstated,  // of a route: a mistake, nobody is let in
  anyone,    // of a route: needs no token
  ingest,    // may send events, and nothing else
  read,      // may look: metrics, alerts
  admin,     // may do everything
};
inline constexpr std::array<std::string_view, 5> role_names = {"unstated", "anyone", "ingest", "read", "admin"};
inline constexpr std::string_view name_of(Role role) { return role_names[static_cast<size_t>(role)]; }

// A set of roles: what somebody may do.
class Rights {
 public:
  constexpr Rights() = default;
  constexpr Rights(std::initializer_list<Role> roles) {
    for (const Role role : roles) bits_ |= bit(role);
  }
  constexpr bool allow(Role needed) const {
    if (needed == Role::unstated) return false;
    return needed == Role::anyone || (bits_ & (bit(needed) | bit(Role::admin))) != 0;
  }

 private:
  static constexpr uint8_t bit(Role role) { return static_cast<uint8_t>(1u << static_cast<uint8_t>(role)); }
  uint8_t bits_ = 0;
};

struct AccessToken {
  std::string id;  // the first 8 digits of the hash: what `list` shows and `revoke` takes
  Role role = Role::ingest;
  std::string name;     // of whom or what it was made for: letters, digits, - _ .
  std::string created;  // RFC 3339
  std::string hash;     // SHA-256, 64 hexadecimal digits
};

inline constexpr size_t tokens_per_name_max = 2;
inline constexpr size_t tokens_max = 1000;  // more are an error of the file

// The file's tokens; none when it is not there. An error names the line.
Result<std::vector<AccessToken>> read_tokens(const std::string& path);
// Makes a token and adds it to the file. Its text, which is kept nowhere, is shown once.
Result<std::string> add_token(const std::string& path, std::string_view name, Role role, int64_t now_us);
Status revoke_token(const std::string& path, std::string_view id);
std::optional<Role> role_named(std::string_view name);  // ingest, read or admin

// SHA-256 of a text as 64 hexadecimal digits.
std::string sha256_hex(std::string_view text);

// The tokens of a running service. Any thread.
class TokenStore {
 public:
  TokenStore() = default;  // none at all
  // An error leaves what was known before in force.
  Status load(const std::string& path);
  // Reads the file again when it has changed since; to be called from time to time.
  Status refresh();

  // The role of the token that is presented; nothing when there is no such.
  std::optional<Role> role_of(std::string_view presented) const;
  bool is_empty() const;

 private:
  struct Known {
    std::array<unsigned char, 32> hash;
    Role role;
  };
  Status read(const std::string& path);

  mutable std::mutex mutex_;
  std::string path_;
  std::array<int64_t, 3> state_{};  // of the file: inode, size, time of its last change
  std::vector<Known> known_;
};

}  // namespace omen
