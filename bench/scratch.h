// Scratch: where files stand that a bench makes and nobody keeps: below TMPDIR, or /var/tmp, since /tmp may be memory.
// What cannot be made ends the bench. Whoever makes something removes it.
#pragma once

#include <string>

namespace omen::bench {

std::string scratch_folder();
std::string make_file();                            // an empty one in it
std::string make_folder(const std::string& below);  // of its own, below another

}  // namespace omen::bench
