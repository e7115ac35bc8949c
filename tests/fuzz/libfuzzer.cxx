#include "decode_case.hxx"

#include <aeplugin/error.hxx>

#include <cstddef>
#include <cstdint>

/// For clang's -fsanitize=fuzzer; `fuzz_decoder --seeds FOLDER` writes cases to begin with.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
   try {
      fuzz::Decode(fuzz::FromBytes(std::string(data, data + size)));
   } catch (const aeplugin::Error &) {
   }
   return 0;
}
