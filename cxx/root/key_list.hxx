#ifndef AEPLUGIN_ROOT_KEY_LIST_HXX
#define AEPLUGIN_ROOT_KEY_LIST_HXX

#include <string>

namespace aeplugin::rdf {

/// Compares the list of keys of a local ROOT file with the keys that it speaks of. ROOT believes the list, which has no
/// checksum, and crashes where it is damaged. Says nothing about what is no local ROOT file.
/// \throws CorruptionError where they differ
void CheckKeyList(const std::string &path);

} // namespace aeplugin::rdf

#endif
