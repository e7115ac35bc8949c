#ifndef AEPLUGIN_DECODE_CASE_HXX
#define AEPLUGIN_DECODE_CASE_HXX

#include <aeplugin/block_coder.hxx>
#include <aeplugin/metadata.hxx>

#include <string>

/// What a reader of compressed files gets to see, as one string of bytes that a fuzzer can damage.
namespace fuzz {

/// Metadata, the model within, and one block.
struct Case {
   aeplugin::Metadata fMetadata;
   aeplugin::StoredBlock fBlock;
};

std::string ToBytes(const Case &parts);
/// Understands every string: what is missing is zero or empty.
Case FromBytes(const std::string &bytes);

/// Sets the checksums inside a model file, so that damage gets beyond them.
std::string WithChecksums(std::string model);

/// Decodes as a reader of files does, also what its checksums would refuse. Returns whether all was well.
/// \throws nothing but aeplugin::Error, if the library keeps its word
bool Decode(const Case &parts);

} // namespace fuzz

#endif
